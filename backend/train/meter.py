"""Memory and how busy the device is, looked at now and then while a run trains."""

import time

import psutil
import torch

from backend import devices

EVERY_S = 2.0


class Meter:
    """Looks at the device that trains: the GPUs where there are any, else this process's share of its cores."""

    def __init__(self, threads: int) -> None:
        self._process, self._threads = psutil.Process(), max(threads, 1)
        self._gpu = torch.cuda.is_available()
        self._process.cpu_percent()
        self._looked_at = time.monotonic()
        self._busy: float | None = None

    def utilisation(self) -> float | None:
        """Share of the device in use, 0 to 1, over the last two seconds; None before there was a first look."""
        if time.monotonic() - self._looked_at >= EVERY_S:
            self._looked_at = time.monotonic()
            share = devices.utilisation() if self._gpu else self._process.cpu_percent() / 100 / self._threads
            self._busy = None if share is None else round(min(share, 1.0), 3)
        return self._busy

    def memory(self) -> int:
        """Bytes: the most that the GPU has held, or what this process holds now."""
        if self._gpu:
            return int(torch.cuda.max_memory_allocated())
        return int(self._process.memory_info().rss)
