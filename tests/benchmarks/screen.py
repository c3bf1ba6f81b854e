"""The real screen on a terminal of its own: keys are pressed, what it draws is waited for, its memory is read."""

import os
import pty
import select
import signal
import struct
import sys
import termios
import time
from collections.abc import Mapping
from dataclasses import dataclass
from fcntl import ioctl
from pathlib import Path

SILENCE_S = 0.1
"""Without a byte for so long a screen has drawn what it had to."""
BREATH_S = 0.03
"""Between two drawings there is at least so long without a byte; within one there is not."""


@dataclass(frozen=True)
class Drawn:
    """Seconds from a key to the first change on the screen, and to the last byte of the drawing with the mark in it."""

    first: float
    whole: float


class Screen:
    """`refact-tui` at so many columns and rows; ended by `close`."""

    def __init__(self, environment: Mapping[str, str], size: tuple[int, int] = (100, 30)) -> None:
        told = {"TERM": "xterm-256color", "COLUMNS": str(size[0]), "LINES": str(size[1])}
        self.began = time.perf_counter()
        self._pid, self._terminal = pty.fork()
        if self._pid == 0:
            ioctl(0, termios.TIOCSWINSZ, struct.pack("HHHH", size[1], size[0], 0, 0))
            os.execve(sys.executable, [sys.executable, "-P", "-m", "refact_tui"], {**environment, **told})

    def press(self, keys: str) -> float:
        """Send keys; returns after how many seconds the last of what they changed was drawn."""
        began = last = time.perf_counter()
        os.write(self._terminal, keys.encode())
        while (now := time.perf_counter()) - last < SILENCE_S and now - began < 10:
            if self._read(0.005):
                last = time.perf_counter()
        return last - began

    def draw(self, keys: str, mark: str, seconds: float = 10) -> Drawn:
        """Send keys and wait for what they draw, which `mark` is in; other drawings may come in between.

        Raises TimeoutError where it is not drawn."""
        began = time.perf_counter()
        os.write(self._terminal, keys.encode())
        drawn, first, last = b"", 0.0, began
        while (now := time.perf_counter()) - began < seconds:
            if mark.encode() in drawn and now - last >= BREATH_S:
                return Drawn(first, last - began)
            if piece := self._read(0.002):
                last = time.perf_counter()
                if mark.encode() in drawn + piece and not first:
                    first = last - began
                drawn += piece
        raise TimeoutError(f"{mark!r} was not drawn in {seconds} s: {drawn[-2000:]!r}")

    def watch(self, seconds: float) -> int:
        """Press no key for so long; returns how many bytes were drawn meanwhile."""
        end, count = time.perf_counter() + seconds, 0
        while (left := end - time.perf_counter()) > 0:
            count += len(self._read(min(left, 0.05)))
        return count

    def until(self, text: str, seconds: float = 30) -> float:
        """Wait until it is drawn; returns when, in seconds since the program was started. Raises TimeoutError."""
        drawn, began = b"", time.perf_counter()
        while text.encode() not in drawn:
            if time.perf_counter() - began > seconds:
                raise TimeoutError(f"{text!r} was not drawn in {seconds} s: {drawn[-2000:]!r}")
            drawn = drawn[-100_000:] + self._read(0.05)
        return time.perf_counter() - self.began

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
