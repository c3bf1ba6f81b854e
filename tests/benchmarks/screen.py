"""The real screen on a terminal of its own: keys are pressed, what it draws is waited for, its memory is read."""

import os
import pty
import select
import signal
import sys
import time
from collections.abc import Mapping
from pathlib import Path

SILENCE_S = 0.1
"""Without a byte for so long a screen has drawn what it had to."""


class Screen:
    """`refact-tui` at 100×30; ended by `close`."""

    def __init__(self, environment: Mapping[str, str]) -> None:
        size = {"TERM": "xterm-256color", "COLUMNS": "100", "LINES": "30"}
        self._pid, self._terminal = pty.fork()
        if self._pid == 0:
            os.execve(sys.executable, [sys.executable, "-P", "-m", "refact_tui"], {**environment, **size})

    def press(self, keys: str) -> float:
        """Send keys; returns after how many seconds the last of what they changed was drawn."""
        began = last = time.perf_counter()
        os.write(self._terminal, keys.encode())
        while (now := time.perf_counter()) - last < SILENCE_S and now - began < 10:
            if self._read(0.005):
                last = time.perf_counter()
        return last - began

    def until(self, text: str, seconds: float = 30) -> None:
        """Wait until it is drawn. Raises TimeoutError."""
        drawn, began = b"", time.perf_counter()
        while text.encode() not in drawn:
            if time.perf_counter() - began > seconds:
                raise TimeoutError(f"{text!r} was not drawn in {seconds} s: {drawn[-2000:]!r}")
            drawn = drawn[-100_000:] + self._read(0.05)

    def memory(self) -> tuple[int, int]:
        """Resident now and at most, in MB."""
        lines = Path(f"/proc/{self._pid}/status").read_text().splitlines()
        facts = {name: value for name, _, value in (line.partition(":") for line in lines)}
        now, most = (int(facts[name].split()[0]) * 1024 // 1_000_000 for name in ("VmRSS", "VmHWM"))
        return now, most

    def close(self) -> None:
        """End it."""
        os.kill(self._pid, signal.SIGKILL)
        os.waitpid(self._pid, 0)
        os.close(self._terminal)

    def _read(self, seconds: float) -> bytes:
        return os.read(self._terminal, 65536) if select.select([self._terminal], [], [], seconds)[0] else b""
