"""A batch of files judged, in this process or in one beside it: hash, verdict, packed content, signature."""

import hashlib
import os
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ProcessPoolExecutor
from multiprocessing import get_context

from msgspec import Struct

from backend.jobs.process import die_with
from backend.scan.duplicates import signature
from backend.scan.linguist.attributes import Said
from backend.scan.rules import Judgement, judge
from backend.scan.text import decode
from backend.sources.folder import loaded
from backend.sources.members import Member
from backend.store.content import packer

Known = dict[str, tuple[str, Judgement]]
"""What the last scan found, by path: sha256 and judgement."""
Pack = Callable[[bytes], bytes]
Batch = list[tuple[Member, tuple[str, Judgement] | None, Said]]
"""Files, each with what is known of it and what its project says of it."""


class Judged(Struct, frozen=True):
    """One file's row, and what is to be kept of it where that is new."""

    path: str
    size: int
    sha256: str
    found: Judgement
    packed: bytes | None = None
    """The content, compressed as the store keeps it."""
    signature: bytes | None = None


def judge_batch(batch: Batch) -> list[Judged]:
    """Every file of a batch, in its order; what is known already is not judged again."""
    pack = packer()
    return [_judged(loaded(member), before, said, pack) for member, before, said in batch]


def _judged(member: Member, before: tuple[str, Judgement] | None, said: Said, pack: Pack) -> Judged:
    sha = hashlib.sha256(member.data).hexdigest() if member.data is not None else ""
    if sha and before and before[0] == sha:
        return Judged(member.path, member.size, sha, before[1])
    found = judge(member.path, member.size, member.data, member.error, member.head, said)
    # Text that was refused is kept too, for the preview; it is small and shared. A secret is kept nowhere.
    if member.data is None or not found.text_ok or found.reason == "secrets":
        return Judged(member.path, member.size, sha, found)
    lines = signature(decode(member.data) or "") if found.reason is None else None
    return Judged(member.path, member.size, sha, found, pack(member.data), lines)


class Judges:
    """Judges batches on every core, in order; the first one here, since most sources have no second."""

    def __init__(self, cores: int | None = None) -> None:
        self._cores = cores or len(os.sched_getaffinity(0))
        self._pool: ProcessPoolExecutor | None = None

    def all(self, batches: Iterator[Batch]) -> Iterator[list[Judged]]:
        """The results of each batch, in their order; at most two batches a core are in memory."""
        first = next(batches, None)
        if first is not None:
            yield judge_batch(first)
        waiting: list[Future[list[Judged]]] = []
        for batch in batches:
            waiting.append(self._workers().submit(judge_batch, batch))
            if len(waiting) >= 2 * self._cores:
                yield waiting.pop(0).result()
        for one in waiting:
            yield one.result()

    def _workers(self) -> ProcessPoolExecutor:
        if self._pool is None:
            context = get_context("fork")  # nothing runs here beside the one thread that reads
            self._pool = ProcessPoolExecutor(self._cores, context, die_with, (os.getpid(),))
        return self._pool

    def close(self) -> None:
        """End the processes."""
        if self._pool is not None:
            self._pool.shutdown(cancel_futures=True)
