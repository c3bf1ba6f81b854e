"""The inference worker: `python -P -m backend.serve.worker MODEL PLACED`, both as JSON: what the model is, and where
and how it computes; reads requests on stdin, writes pieces to stdout.

It holds the base model once and a merged copy of the newest few checkpoints, and ends when its stdin is closed."""

import logging
import os
import sys
import threading
import time
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass, replace
from typing import BinaryIO

import msgspec
import torch

from backend.errors import Overloaded, RefactError
from backend.models.catalog import ModelInfo, from_json
from backend.models.tokenizer import load_tokenizer
from backend.serve.batch import Batch
from backend.serve.caution import in_words
from backend.serve.holding import hold
from backend.serve.inbox import Inbox
from backend.serve.placement import Placed
from backend.serve.prompt import lay_out
from backend.serve.protocol import (
    Cancel,
    Failed,
    FromWorker,
    Generate,
    Load,
    Loaded,
    Piece,
    Ready,
    ToWorker,
    Warming,
    frame,
    read,
)
from backend.serve.request import Adapter, Delta
from backend.serve.row import Row
from backend.serve.stages import Lost
from backend.serve.text import Writer
from backend.serve.weights import Weights

log = logging.getLogger("refact.worker")


@dataclass(frozen=True)
class Copied:
    """A copy that was made beside the decoding, for those who wait for it."""

    adapter: Adapter
    copy: "Future[Weights | None]"


class Ended:
    """Another process that holds layers of the model is no more."""


Letters = Inbox[ToWorker | Copied | Ended]


class Worker:
    """One model and the requests that it is answering."""

    def __init__(self, info: ModelInfo, placed: Placed, out: BinaryIO, inbox: Letters) -> None:
        self._out, self._inbox = out, inbox
        # Positions beyond what is ever asked for would take memory for nothing.
        self._info = replace(info, context=placed.context)
        self._tokenizer = load_tokenizer(self._info)
        self._held = held = hold(self._info, placed, lambda: inbox.put((time.monotonic(), Ended())))
        self._adapters = held.adapters
        self._batch = Batch(held.model, held.adapters.get, self._tokenizer.marks.ends, held.rows, held.kept_bytes)
        self._send(Warming())
        held.warm()
        self._aside = ThreadPoolExecutor(1, "copy")
        self._copying: dict[str, list[int]] = {}
        """Paths of the checkpoints that are copied now, and who waits for each."""

    def serve(self) -> None:
        """Answer until the inbox ends with None."""
        self._send(Ready(self._held.memory_bytes))
        while True:
            try:
                for item in self._inbox.take(self._batch.busy):
                    self._handle(*item)
                if self._inbox.ended:
                    return
                for id_, answer in self._batch.step():
                    self._send(Piece(id_, answer) if isinstance(answer, Delta) else _failed(id_, answer))
            except BrokenPipeError:
                return

    def _handle(self, arrived: float, message: ToWorker | Copied | Ended) -> None:
        try:
            match message:
                case Cancel():
                    self._batch.cancel(message.id)
                case Load():
                    self._copy(message.adapter, message.id)
                case Generate():
                    self._batch.add(self._row(arrived, message))
                    if self._adapters.worth_a_copy(message.adapter, self._batch.names()):
                        self._copy(message.adapter)
                case Copied():
                    self._install(message)
                case Ended():
                    raise Lost
        except Exception as error:
            if not isinstance(message, Load | Generate):
                raise
            if not isinstance(error, RefactError):
                log.exception("a request cannot be taken")
            self._send(_failed(message.id, in_words(error)))

    def _copy(self, adapter: Adapter | None, *waiting: int) -> None:
        """Have a merged copy made while others decode."""
        assert adapter
        if adapter.path in self._copying:
            self._copying[adapter.path] += waiting
            return
        self._copying[adapter.path] = list(waiting)
        copy = self._aside.submit(_untracked, self._adapters.copy, adapter)
        copy.add_done_callback(lambda done: self._inbox.put((time.monotonic(), Copied(adapter, done))))

    def _install(self, copied: Copied) -> None:
        """Tell those who wait that a checkpoint is there, or why it cannot be."""
        waiting = self._copying.pop(copied.adapter.path)
        try:
            self._adapters.install(copied.adapter, copied.copy.result(), self._batch.names())
        except (RuntimeError, MemoryError) as error:
            log.warning("%s runs beside the base, since no copy can be made: %s", copied.adapter.checkpoint, error)
        except Exception as error:
            log.warning("%s cannot be used: %s", copied.adapter.checkpoint, error)
            for id_ in waiting:
                self._send(_failed(id_, in_words(error)))
            return
        for id_ in waiting:
            self._send(Loaded(id_, self._held.memory_bytes))

    def _row(self, arrived: float, message: Generate) -> Row:
        request = message.request
        prompt = lay_out(self._info, self._tokenizer, request)
        return Row(
            id=message.id,
            request=request,
            prompt=prompt,
            adapter=message.adapter,
            writer=Writer(self._tokenizer.decode, request.stop, prompt.crlf),
            arrived=arrived,
        )

    def _send(self, message: FromWorker) -> None:
        self._out.write(frame(message))
        self._out.flush()


def _failed(id_: int, error: RefactError) -> Failed:
    return Failed(id_, error.message, error.hint, isinstance(error, Overloaded))


def _untracked(copy: Callable[[Adapter], Weights | None], adapter: Adapter) -> Weights | None:
    """Gradients are not wanted in this thread either."""
    with torch.inference_mode():
        return copy(adapter)


def _read_all(source: BinaryIO, inbox: Letters) -> None:
    try:
        while (message := read(source)) is not None:
            inbox.put((time.monotonic(), message))
    finally:
        # A message that cannot be read ends the worker too: a deaf one would keep everybody waiting.
        inbox.put(None)


def main() -> int:
    """Load the model described on the command line and answer; 1 when it cannot be loaded."""
    # Whatever a library prints must not get between the messages.
    out = os.fdopen(os.dup(1), "wb")
    os.dup2(2, 1)
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(levelname)s %(message)s", stream=sys.stderr)
    torch.set_num_threads(int(os.environ.get("OMP_NUM_THREADS", "1")))
    inbox = Letters()
    threading.Thread(target=_read_all, args=(sys.stdin.buffer, inbox), daemon=True).start()
    info = from_json(sys.argv[1])
    try:
        worker = Worker(info, msgspec.json.decode(sys.argv[2], type=Placed), out, inbox)
    except (RefactError, OSError, ValueError, KeyError, RuntimeError, MemoryError) as error:
        log.exception("the model cannot be loaded")
        known = error if isinstance(error, RefactError) else RefactError(f"{info.name} cannot be loaded: {error}")
        out.write(frame(Failed(0, known.message, known.hint)))
        out.flush()
        return 1
    try:
        with torch.inference_mode():
            worker.serve()
    except Lost:
        log.error("a process that held layers of the model has ended")
        return 1
    return 0


if __name__ == "__main__":
    # A daemon thread may still be blocked on stdin: leave without waiting for it.
    code = main()
    sys.stderr.flush()
    os._exit(code)
