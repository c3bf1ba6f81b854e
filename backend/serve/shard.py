"""A process that holds some layers of a model: `python -P -m backend.serve.shard MODEL PLACE`, both as JSON.

It does what the worker says on stdin, in that order, and ends with it. Its answers are what the layers make of it: to
the bit what they would make of it in the worker."""

import logging
import os
import sys
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path
from typing import BinaryIO

import msgspec
import torch

from backend.errors import RefactError
from backend.models.catalog import ModelInfo, from_json
from backend.serve.caches import Cache
from backend.serve.decode import Llama, Piece
from backend.serve.kind import kind_of, limit
from backend.serve.lora import fit, merged
from backend.serve.sharding import (
    Copied,
    Forward,
    Gone,
    Held,
    Made,
    Part,
    Place,
    Prepare,
    ToShard,
    Trouble,
    as_bytes,
    as_lines,
    receive,
    send,
    to_shard,
)
from backend.serve.weights import LowRank, Weights, read_weights

log = logging.getLogger("refact.shard")


class Shard:
    """Layers, the caches of their keys and values, and adapters for them."""

    def __init__(self, info: ModelInfo, place: Place) -> None:
        self._shape, self._kind = place.shape, kind_of(place.device, place.dtype)
        limit(self._kind.device, place.memory_bytes)
        layers = range(place.start, place.stop)
        self._base = read_weights(info.path, self._shape, self._kind, layers, False, place.quantisation)
        last = place.stop == self._shape.layers
        self._model = Llama(replace(self._shape, layers=len(layers)), self._kind, ends=last)
        self._caches: dict[int, Cache] = {}
        self._adapters: dict[int, Future[Weights | LowRank]] = {}
        self._aside = ThreadPoolExecutor(1, "adapter")

    def serve(self, source: BinaryIO, out: BinaryIO) -> None:
        """Do what is said until nothing more is."""
        while (body := receive(source)) is not None:
            message: ToShard = to_shard.decode(body)
            match message:
                case Prepare():
                    self._adapters[message.number] = self._aside.submit(self._made, message)
                case Copied():
                    self._cache(message.to, message.length).copy_from(self._caches[message.source], message.tokens)
                case Gone():
                    for number in message.caches:
                        self._caches.pop(number, None)
                    for number in message.adapters:
                        self._adapters.pop(number, None)
                case Forward():
                    send(out, self._answer(message))
                    out.flush()

    def _answer(self, message: Forward) -> Made | Trouble:
        try:
            return Made(as_bytes(self._run(message)))
        except RefactError as error:
            return Trouble(error.message, error.hint)
        except (RuntimeError, MemoryError) as error:
            log.exception("a step failed")
            return Trouble(str(error))

    def _run(self, message: Forward) -> torch.Tensor:
        pieces = [self._piece(part) for part in message.parts]
        layers = self._adapters[message.weights].result() if message.weights else self._base
        assert isinstance(layers, Weights)
        return self._model.blocks(layers.layers, pieces, as_lines(message.x, self._shape.hidden, self._kind))

    def _piece(self, part: Part) -> Piece:
        cache = self._cache(part.cache, part.length)
        cache.used = part.used
        change = self._adapters[part.change].result() if part.change else None
        assert not isinstance(change, Weights)
        return Piece(cache, [0] * part.tokens, part.wanted, change)

    def _cache(self, number: int, length: int) -> Cache:
        if number not in self._caches:
            self._caches[number] = self._model.cache(length)
        return self._caches[number]

    def _made(self, message: Prepare) -> Weights | LowRank:
        """An adapter's part in these layers, made while others are decoded."""
        with torch.inference_mode():
            fitted = fit(self._base, self._shape, Path(message.path))
            return merged(fitted) if message.merged else fitted.change


def main() -> int:
    """Read the layers and serve; 1 where they cannot be read."""
    out = os.fdopen(os.dup(1), "wb")
    os.dup2(2, 1)  # whatever a library prints must not get between the messages
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(levelname)s %(message)s", stream=sys.stderr)
    torch.set_num_threads(int(os.environ.get("OMP_NUM_THREADS", "1")))
    try:
        shard = Shard(from_json(sys.argv[1]), msgspec.json.decode(sys.argv[2], type=Place))
    except (RefactError, OSError, ValueError, KeyError, RuntimeError) as error:
        log.exception("the layers cannot be loaded")
        known = error if isinstance(error, RefactError) else RefactError(str(error))
        send(out, Trouble(known.message, known.hint))
        out.flush()
        return 1
    send(out, Held())
    out.flush()
    with torch.inference_mode():
        shard.serve(sys.stdin.buffer, out)
    return 0


if __name__ == "__main__":
    sys.exit(main())
