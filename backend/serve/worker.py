"""The inference worker: `python -P -m backend.serve.worker MODEL`, where MODEL is its
description as JSON; reads requests on stdin, writes pieces to stdout.

It holds the base model once and a merged copy of the newest few checkpoints, and ends when its stdin is closed."""

import logging
import os
import queue
import sys
import threading
import time
from dataclasses import replace
from typing import BinaryIO

import psutil
import torch

from backend.errors import RefactError
from backend.models.catalog import ModelInfo, from_json
from backend.models.tokenizer import load_tokenizer
from backend.serve.adapters import Adapters
from backend.serve.batch import Batch, Row
from backend.serve.caches import afforded
from backend.serve.decode import Llama, read_weights
from backend.serve.llama import read_shape
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
    frame,
    read,
)
from backend.serve.text import Writer

log = logging.getLogger("refact.worker")


class Worker:
    """One model and the requests that it is answering."""

    def __init__(self, info: ModelInfo, out: BinaryIO) -> None:
        self._out = out
        self._info = info
        self._tokenizer = load_tokenizer(self._info)
        # Positions beyond what is ever asked for would take memory for nothing.
        shape = replace(read_shape(info.path), context=info.context)
        self._adapters = Adapters(read_weights(info.path, shape), shape)
        rows, kept_bytes = afforded(shape, psutil.virtual_memory().available)
        self._batch = Batch(Llama(shape), self._tokenizer.marks.ends, rows, kept_bytes)

    def serve(self, inbox: "queue.SimpleQueue[tuple[float, ToWorker] | None]") -> None:
        """Answer until the inbox ends with None."""
        self._send(Ready(_memory()))
        while True:
            try:
                while not self._batch.busy() or not inbox.empty():
                    item = inbox.get()
                    if item is None:
                        return
                    self._handle(*item)
                for id_, delta in self._batch.step():
                    self._send(Piece(id_, delta))
            except BrokenPipeError:
                return

    def _handle(self, arrived: float, message: ToWorker) -> None:
        if isinstance(message, Cancel):
            self._batch.cancel(message.id)
            return
        try:
            if isinstance(message, Load):
                self._adapters.get(message.adapter)
                self._send(Loaded(message.id, _memory()))
            else:
                self._batch.add(self._row(arrived, message))
        except RefactError as error:
            self._send(Failed(message.id, error.message, error.hint))

    def _row(self, arrived: float, message: Generate) -> Row:
        request, adapter = message.request, message.adapter
        prompt = lay_out(self._info, self._tokenizer, request)
        return Row(
            id=message.id,
            request=request,
            prompt=prompt,
            weights=self._adapters.get(adapter),
            checkpoint=adapter.checkpoint if adapter else None,
            writer=Writer(self._tokenizer.decode, request.stop, prompt.crlf),
            arrived=arrived,
            computes=adapter.path if adapter else "",
        )

    def _send(self, message: FromWorker) -> None:
        self._out.write(frame(message))
        self._out.flush()


def _memory() -> int:
    """Resident bytes of this process."""
    return int(psutil.Process().memory_info().rss)


def _read_all(source: BinaryIO, inbox: "queue.SimpleQueue[tuple[float, ToWorker] | None]") -> None:
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
    inbox: queue.SimpleQueue[tuple[float, ToWorker] | None] = queue.SimpleQueue()
    threading.Thread(target=_read_all, args=(sys.stdin.buffer, inbox), daemon=True).start()
    info = from_json(sys.argv[1])
    try:
        worker = Worker(info, out)
    except (RefactError, OSError, ValueError, KeyError) as error:
        log.exception("the model cannot be loaded")
        known = error if isinstance(error, RefactError) else RefactError(f"{info.name} cannot be loaded: {error}")
        out.write(frame(Failed(0, known.message, known.hint)))
        out.flush()
        return 1
    with torch.inference_mode():
        worker.serve(inbox)
    return 0


if __name__ == "__main__":
    # A daemon thread may still be blocked on stdin: leave without waiting for it.
    code = main()
    sys.stderr.flush()
    os._exit(code)
