"""A model whose layers lie in several processes: this one holds the first of them, each other one the next.

Layers are split, not what is within them: the numbers are the same to the bit, any number of devices up to one a layer
will do, and only a few kilobytes a token pass between two of them."""

import contextlib
import itertools
import subprocess
import sys
import threading
import weakref
from collections import deque
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import BinaryIO, cast

import msgspec
from torch import Tensor

from backend.errors import RefactError
from backend.models.catalog import ModelInfo, as_json
from backend.serve.caches import Cache
from backend.serve.decode import Llama, Piece
from backend.serve.kind import Kind
from backend.serve.llama import Shape
from backend.serve.sharding import (
    Copied,
    Forward,
    FromShard,
    Gone,
    Made,
    Part,
    Place,
    Prepare,
    ToShard,
    Trouble,
    as_bytes,
    as_lines,
    from_shard,
    receive,
    send,
)
from backend.serve.weights import LowRank, Weights


class Lost(BaseException):
    """A process that holds layers has ended: without it nothing can be answered, and no request is to blame."""


class Link:
    """One of the other processes; it ends when this one does, since it reads from it."""

    def __init__(self, info: ModelInfo, place: Place, ended: Callable[[], None]) -> None:
        """`ended` is called, in a thread of its own, when it ends unasked."""
        command = [sys.executable, "-P", "-m", "backend.serve.shard"]
        arguments = [as_json(info), msgspec.json.encode(place).decode()]
        process = subprocess.Popen([*command, *arguments], stdin=subprocess.PIPE, stdout=subprocess.PIPE)
        assert process.stdin and process.stdout
        self._in, self._out = cast(BinaryIO, process.stdin), cast(BinaryIO, process.stdout)
        self._process, self._lock, self._ended, self._closing = process, threading.Lock(), ended, False
        threading.Thread(target=self._watch, name="watch", daemon=True).start()

    def close(self) -> None:
        """Have it end, and wait for that."""
        self._closing = True
        with contextlib.suppress(BrokenPipeError):
            self._in.close()
        self._process.wait()
        self._out.close()

    def _watch(self) -> None:
        self._process.wait()
        if not self._closing:
            self._ended()

    def tell(self, message: ToShard) -> None:
        """Say what needs no answer; it is done before what is asked next."""
        self._say(message)

    def ask(self, message: Forward) -> bytes:
        """What its layers make of it. Raises RefactError, Lost."""
        self._say(message, flush=True)
        found = self.answer()
        assert isinstance(found, Made)
        return found.x

    def answer(self) -> FromShard:
        """Its next answer. Raises RefactError where that is trouble, Lost."""
        body = receive(self._out)
        if body is None:
            raise Lost
        message: FromShard = from_shard.decode(body)
        if isinstance(message, Trouble):
            raise RefactError(message.message, message.hint)
        return message

    def _say(self, message: ToShard, flush: bool = False) -> None:
        try:
            with self._lock:
                send(self._in, message)
                if flush:
                    self._in.flush()
        except OSError as error:
            raise Lost from error


class Mirrored(Cache):
    """The first layers' part of a cache; the other processes hold theirs under its number."""

    NUMBERS = itertools.count(1)

    def __init__(self, shape: Shape, length: int, kind: Kind, stages: "Stages") -> None:
        super().__init__(shape, length, kind)
        self.number, self._stages = next(self.NUMBERS), stages
        weakref.finalize(self, stages.no_more.append, self.number)

    def copy_from(self, other: Cache, tokens: int) -> None:
        super().copy_from(other, tokens)
        assert isinstance(other, Mirrored)
        self._stages.tell(Copied(self.number, self.length, other.number, tokens))


class Stages(Llama):
    """The forward pass through all processes, one after the other."""

    def __init__(self, shape: Shape, layers: int, kind: Kind, links: Sequence[Link]) -> None:
        super().__init__(replace(shape, layers=layers), kind, ends=False)
        self._links = links
        self.no_more: deque[int] = deque()
        """Caches that nobody has any more; told with the next step, since this may be found at any moment."""
        self._no_adapters: deque[int] = deque()

    def cache(self, length: int) -> Mirrored:
        return Mirrored(self.shape, length, self.kind, self)

    def tell(self, message: ToShard) -> None:
        """Say it to all others."""
        for link in self._links:
            link.tell(message)

    def prepare(self, made: Weights | LowRank, path: Path) -> None:
        """Have the others make their part of an adapter too, for as long as this part of it is held."""
        if made.number:
            weakref.finalize(made, self._no_adapters.append, made.number)
            self.tell(Prepare(made.number, str(path), isinstance(made, Weights)))

    def close(self) -> None:
        """Have the other processes end."""
        for link in self._links:
            link.close()

    def rest(self, weights: Weights, pieces: Sequence[Piece], x: Tensor) -> Tensor:
        """What the layers make of `x` that the others hold. Raises RefactError, Lost."""
        caches, adapters = _taken(self.no_more), _taken(self._no_adapters)
        if caches or adapters:
            self.tell(Gone(caches, adapters))
        parts = [_part(piece) for piece in pieces]
        data = as_bytes(x)
        for link in self._links:
            data = link.ask(Forward(weights.number, parts, data))
        return as_lines(data, self.shape.hidden, self.kind)


def divided(layers: int, devices: int) -> list[range]:
    """Which layers each device holds, as evenly as can be; the first has the embedding too, and gets no more."""
    bounds = [number * layers // devices for number in range(devices + 1)]
    return [range(start, stop) for start, stop in itertools.pairwise(bounds)]


def _taken(found: deque[int]) -> list[int]:
    """What is in it, taken out; more may be put in meanwhile."""
    return [found.popleft() for _ in range(len(found))]


def _part(piece: Piece) -> Part:
    cache = piece.cache
    assert isinstance(cache, Mirrored)
    change = piece.change.number if piece.change else 0
    return Part(cache.number, cache.length, cache.used, len(piece.ids), piece.wanted, change)
