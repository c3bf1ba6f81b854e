"""One home, one engine: the lock file that the living engine holds."""

import fcntl
import json
import os
import time

from backend.errors import Conflict
from backend.jobs.process import started_at
from backend.paths import Paths

PATIENCE_S = 3.0
"""An engine that is ending gives the lock back within this time, or is not ending."""


class Lock:
    """Held from `take` until the process ends or `release`."""

    def __init__(self, descriptor: int) -> None:
        self._descriptor = descriptor

    @classmethod
    def take(cls, paths: Paths, patience_s: float = PATIENCE_S) -> "Lock":
        """The lock of a prepared home, with our pid and start time. Raises Conflict where another engine has it."""
        descriptor = os.open(paths.lock, os.O_RDWR | os.O_CREAT, 0o600)
        end = time.monotonic() + patience_s
        while True:
            try:
                fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
                break
            except BlockingIOError:
                if time.monotonic() < end:
                    time.sleep(0.1)
                    continue
                holder = os.pread(descriptor, 200, 0)
                os.close(descriptor)
                raise Conflict(
                    f"Another engine {_named(holder)}already runs for {paths.home}.",
                    "Use that one, or stop it: `refact-tui engine stop`.",
                ) from None
        os.ftruncate(descriptor, 0)
        os.pwrite(descriptor, json.dumps({"pid": os.getpid(), "started": started_at(os.getpid())}).encode(), 0)
        return cls(descriptor)

    def release(self) -> None:
        """Let the next engine begin."""
        os.ftruncate(self._descriptor, 0)
        os.close(self._descriptor)


def _named(holder: bytes) -> str:
    try:
        return f"(process {json.loads(holder)['pid']}) "
    except (ValueError, KeyError, TypeError):
        return ""
