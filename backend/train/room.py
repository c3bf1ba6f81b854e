"""Memory of a trainer: what it may take, and how a step that did not fit is done again with less."""

import ctypes
import gc
import re
import resource
from collections.abc import Callable
from contextlib import suppress
from typing import Any, TypeVar

import psutil
import torch

from backend.devices import memory_available
from backend.train.progress import Progress

T = TypeVar("T")
WORDS = (
    "out of memory",
    "can't allocate memory",
    "not enough memory",
    "cannot allocate memory",
    "bad_alloc",
    "could not create a memory",
    "alloc_failed",
)
"""What torch, its libraries and the system say, in lower case, where memory is refused on a CPU."""
LEAST = 500_000_000
"""Bytes that a trainer may take where nothing seems to be free: what looks so for a moment may not be so."""
ASKED = re.compile(r"tried to allocate ([\d.]+) (\w+)", re.IGNORECASE)


class OutOfRoom(Exception):
    """A single sequence with checkpointing does not fit."""


def limit(gigabytes: float, processes: int) -> int | None:
    """Let this process take no more than so much memory, or than is free now (0), shared by `processes`; bytes.

    Then an allocation fails, which can be survived, where else the system would kill the trainer. Not on a GPU, whose
    driver reserves far more addresses than it uses."""
    if torch.cuda.is_available():
        return None
    used = int(psutil.Process().memory_info().data)
    room = int(gigabytes * 1e9) if gigabytes else used + max(memory_available() // processes, LEAST)
    hard = resource.getrlimit(resource.RLIMIT_DATA)[1]
    if hard not in (resource.RLIM_INFINITY, -1):
        room = min(room, hard)
    resource.setrlimit(resource.RLIMIT_DATA, (room, hard))
    return room


class Backoff:
    """Runs work in micro-batches; out of memory it halves them, then recomputes activations, and does it again."""

    def __init__(self, progress: Progress, wanted: int, model: Any, say: Callable[[str], None]) -> None:
        self._progress, self._model, self._say = progress, model, say
        self._micro = progress.micro_batch_size or wanted
        if progress.checkpointing:
            checkpoint_activations(model)

    @property
    def room(self) -> tuple[int, bool]:
        """Rows at a time, and whether activations are recomputed."""
        return self._micro, self._progress.checkpointing

    def run(self, work: Callable[[int], T]) -> T:
        """What `work` returns for a micro-batch size that fits. Raises OutOfRoom where none does."""
        while True:
            try:
                return work(self._micro)
            except (MemoryError, RuntimeError) as error:
                if not is_out_of_memory(error):
                    raise
                reason = in_words(error)
            # Outside of the handler: while the error lives, so do the tensors of the frames that raised it.
            self._give_back()
            self._shrink(reason)

    def _shrink(self, reason: str) -> None:
        if self._micro > 1:
            self._micro = self._progress.micro_batch_size = self._micro // 2
            self._say(f"out of memory ({reason}); goes on with a micro-batch of {self._micro}")
        elif not self._progress.checkpointing:
            self._progress.checkpointing = True
            checkpoint_activations(self._model)
            self._say(f"out of memory ({reason}); goes on recomputing activations, about a third slower")
        else:
            raise OutOfRoom(reason)

    def _give_back(self) -> None:
        for weight in self._model.parameters():
            weight.grad = None
        gc.collect()
        if torch.cuda.is_available():
            torch.cuda.empty_cache()
        give_back()


def give_back() -> None:
    """Return what is free to the system: the allocator, set up for equal steps, keeps the holes of unequal ones."""
    with suppress(AttributeError, OSError):
        ctypes.CDLL(None).malloc_trim(0)


def checkpoint_activations(model: Any) -> None:
    """Keep only each layer's input and compute the rest again on the way back: the same numbers, slower."""
    model.enable_input_require_grads()
    model.activation_checkpointing_enable(activation_checkpointing_kwargs={"use_reentrant": False})


def in_words(error: BaseException) -> str:
    """What was asked for in vain, as far as an error tells."""
    found = ASKED.search(str(error))
    if not found:
        return type(error).__name__
    amount, unit = found.groups()
    return f"{float(amount) / 1e6:.1f} MB more were asked for" if unit == "bytes" else f"{amount} {unit} more"


def is_out_of_memory(error: BaseException) -> bool:
    """Whether an error says that memory was refused."""
    if isinstance(error, MemoryError | torch.OutOfMemoryError):
        return True
    text = str(error).lower()
    return any(words in text for words in WORDS)
