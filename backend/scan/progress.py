"""How far a scan is, told to clients at most three times a second."""

import time
from collections import Counter

import msgspec

from backend import wire
from backend.context import Context
from backend.jobs.queue import JobHandle

SHORTEST_S = 0.33


class Progress:
    """Counts what comes in and publishes it."""

    def __init__(self, ctx: Context, handle: JobHandle, scan: wire.Scan) -> None:
        self._ctx, self._handle, self._scan = ctx, handle, scan
        self._begun = self._shown = time.monotonic()
        self._reasons: Counter[str] = Counter()
        self._files = 0

    def classified(self, reasons: list[str | None], total: int) -> None:
        """A batch of stage 1; `total` is how many files the sources were said to have."""
        self._files += len(reasons)
        self._reasons.update(reason for reason in reasons if reason)
        spent = time.monotonic() - self._begun
        rate = self._files / spent if spent > 0.2 else None
        eta = max(total - self._files, 0) / rate if rate else None
        self._handle.progress(
            done=self._files,
            total=max(total, self._files),
            rate=rate,
            unit="files",
            eta_s=eta,
            message="reading and classifying",
        )
        rejected = sum(self._reasons.values())
        accepted = self._files - rejected
        counts = {"files": self._files, "accepted": accepted, "rejected": rejected, "train": accepted}
        self._publish(msgspec.structs.replace(self._scan, reasons=dict(self._reasons), **counts))

    def scored(self, done: int, total: int, done_bytes: int, total_bytes: int, begun: float) -> None:
        """A batch of stage 2; time goes with bytes, people count files."""
        spent = time.monotonic() - begun
        rate = done / spent if spent > 0.2 else None
        eta = spent / done_bytes * (total_bytes - done_bytes) if done_bytes else None
        self._handle.progress(done=done, total=total, rate=rate, unit="files", eta_s=eta, message="measuring losses")
        self._publish(self._scan)

    def show(self, scan: wire.Scan) -> None:
        """The figures of stage 1 between the stages; a file without a set counts as training data."""
        self._scan = msgspec.structs.replace(scan, train=scan.accepted, test=0)
        self._publish(self._scan, at_once=True)

    def _publish(self, scan: wire.Scan, at_once: bool = False) -> None:
        if at_once or time.monotonic() - self._shown >= SHORTEST_S:
            self._shown = time.monotonic()
            self._ctx.tell("scan", msgspec.structs.replace(scan, elapsed_s=round(self._shown - self._begun, 2)))
