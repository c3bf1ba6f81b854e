"""Work for every core: what goes in comes out in its order, and only so much of it is in memory as is worked on."""

import os
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ProcessPoolExecutor
from multiprocessing import get_context
from typing import TypeVar

from backend.jobs.process import die_with

AHEAD = 4
"""Pieces of work for each core, so that none is idle while results wait for the disk."""
Item = TypeVar("Item")
Result = TypeVar("Result")


class Cores:
    """Processes that start when there is a second piece of work, since most sources have no more than one."""

    def __init__(self) -> None:
        self._cores = len(os.sched_getaffinity(0))
        self._pool: ProcessPoolExecutor | None = None

    def each(self, work: Callable[[Item], Result], items: Iterator[Item]) -> Iterator[Result]:
        """The result of every item; `work` and the items are sent to other processes, but the first is done here."""
        first = next(items, None)
        if first is not None:
            yield work(first)
        waiting: list[Future[Result]] = []
        for item in items:
            waiting.append(self._started().submit(work, item))
            if len(waiting) >= AHEAD * self._cores:
                yield waiting.pop(0).result()
        for one in waiting:
            yield one.result()

    def _started(self) -> ProcessPoolExecutor:
        if self._pool is None:
            context = get_context("fork")  # nothing runs here beside the one thread that asks
            self._pool = ProcessPoolExecutor(self._cores, context, die_with, (os.getpid(),))
        return self._pool

    def close(self) -> None:
        """End the processes."""
        if self._pool is not None:
            self._pool.shutdown(cancel_futures=True)
