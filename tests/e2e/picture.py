"""A program on a pseudo-terminal of its own, and the picture that its bytes draw: characters, and the styles used."""

import codecs
import contextlib
import fcntl
import os
import pty
import re
import select
import signal
import struct
import termios
import time
from collections.abc import Mapping, Sequence

from rich.cells import cell_len

_TOKEN = re.compile(
    r"\x1b\[(?P<mark>[?<=>]?)(?P<numbers>[0-9;:]*)[ -/]*(?P<final>[@-~])"
    r"|\x1b[\]P_^X].*?(?:\x07|\x1b\\)|\x1b[()].|\x1b[^\[\]P_^X()]|(?P<move>[\r\n\b])|(?P<text>[^\x1b\r\n\b]+)",
    re.DOTALL,
)


class Picture:
    """Understands what Textual sends: moves, erasing, styles and text.

    Raises AssertionError where a full screen is drawn beyond its edges; a shell's lines go on in the next row.
    """

    def __init__(self, width: int, height: int) -> None:
        self._full = False
        self.resize(width, height)
        self.styles: set[str] = set()
        """Every parameter list of `CSI … m` that was sent."""

    def resize(self, width: int, height: int) -> None:
        """Start again in another size."""
        self.width, self.height = width, height
        self._cells = [[" "] * width for _ in range(height)]
        self._row = self._column = 0

    def draw(self, sent: str) -> str:
        """Draw what was sent; returns the end of it that is no whole sequence yet."""
        at = 0
        while at < len(sent):
            found = _TOKEN.match(sent, at)
            if found is None:
                break
            if found["text"]:
                self._put(found["text"])
            elif found["move"]:
                self._row = min(self._row + (found["move"] == "\n"), self.height - 1)
                self._column = {"\r": 0, "\n": self._column, "\b": self._column - 1}[found["move"]]
            elif found.group() in ("\x1b[?1049h", "\x1b[?1049l"):
                self._full = found.group().endswith("h")
            elif found["final"] and not found["mark"]:
                self._control(found["numbers"], found["final"])
            at = found.end()
        return sent[at:]

    def _put(self, text: str) -> None:
        for character in text:
            width = cell_len(character)
            if not self._full and self._column + width > self.width:
                self._row, self._column = min(self._row + 1, self.height - 1), 0
            assert self._row < self.height and self._column + width <= self.width, (self._row, self._column, text)
            if width:
                self._cells[self._row][self._column : self._column + width] = [character, ""][:width]
                self._column += width

    def _control(self, numbers: str, final: str) -> None:
        first, _, second = numbers.partition(";")
        if final == "H":
            self._row, self._column = int(first or 1) - 1, int(second or 1) - 1
        elif final == "m":
            self.styles.add(numbers)
        elif final == "J":
            self._cells = [[" "] * self.width for _ in range(self.height)]
        elif final == "K":
            self._cells[self._row][self._column :] = [" "] * (self.width - self._column)

    @property
    def text(self) -> str:
        """What stands there."""
        return "\n".join("".join(row).rstrip() for row in self._cells)


class OnTerminal:
    """Runs a command on a terminal of this size; `sent` is every byte that it wrote."""

    def __init__(self, command: Sequence[str], environment: Mapping[str, str], width: int, height: int) -> None:
        self.sent = b""
        self.picture = Picture(width, height)
        self._rest, self._decoder = "", codecs.getincrementaldecoder("utf-8")()
        self._status: int | None = None
        self._pid, self._terminal = pty.fork()
        if self._pid == 0:
            time.sleep(0.2)  # until the size is set
            os.execve(command[0], list(command), dict(environment))
        self._size(width, height)

    def _size(self, width: int, height: int) -> None:
        fcntl.ioctl(self._terminal, termios.TIOCSWINSZ, struct.pack("HHHH", height, width, 0, 0))

    def resize(self, width: int, height: int) -> None:
        """As if somebody had pulled at the window."""
        self.quiet()
        self.picture.resize(width, height)
        self._size(width, height)

    def press(self, keys: str) -> None:
        """Type."""
        os.write(self._terminal, keys.encode())

    def read(self, seconds: float) -> bool:
        """Draw what comes in this time; False once the program has closed its terminal."""
        if select.select([self._terminal], [], [], seconds)[0]:
            try:
                found = os.read(self._terminal, 65536)
            except OSError:  # Linux says EIO when nobody holds the other end any more
                return False
            self.sent += found
            self._rest = self.picture.draw(self._rest + self._decoder.decode(found))
        return True

    def quiet(self, seconds: float = 0.5) -> None:
        """Until nothing has been drawn for so long."""
        before = -1
        while len(self.sent) != before:
            before = len(self.sent)
            self.read(seconds)

    def until(self, *words: str, seconds: float = 60) -> str:
        """The picture once all of these are in it; fails with the last one."""
        end = time.monotonic() + seconds
        while time.monotonic() < end:
            if all(word in self.picture.text for word in words):
                return self.picture.text
            if not self.read(0.1):
                break
        raise AssertionError(f"{words} did not come:\n{self.picture.text}\n{self.sent[-1000:]!r}")

    def ended(self, seconds: float = 30) -> int:
        """The exit status, once it has ended."""
        end = time.monotonic() + seconds
        while time.monotonic() < end and self.read(0.1):
            pass
        status = self._status = os.waitstatus_to_exitcode(os.waitpid(self._pid, 0)[1])
        return status

    def close(self) -> None:
        """End it, if it has not ended."""
        if self._status is None:
            with contextlib.suppress(ProcessLookupError):
                os.kill(self._pid, signal.SIGKILL)
            os.waitpid(self._pid, 0)
        os.close(self._terminal)
