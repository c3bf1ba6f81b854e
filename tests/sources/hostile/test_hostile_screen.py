"""No escape sequence of a stranger reaches the terminal: what the screen and the shell write is looked at."""

import contextlib
import fcntl
import os
import pty
import select
import struct
import subprocess
import sys
import termios
import time
from collections.abc import Iterator

import pytest

from backend.paths import Paths
from refact_tui.frame import RefactApp
from tests.sources.hostile.folders import INVALID, NAMES, SIGNS, folder_of_names, zip_of_names
from tests.sources.hostile.world import World, plain
from tests.tui.pilots import screen_text, sees

pytestmark = pytest.mark.timeout(300)
ODD = "\x1b]0;PWNED\x07\x1b[31mEVIL\x9b31m\u202e\u2066\u200b"
LINES = f"def surprising():\n    return '{ODD}\u2028'\n"


@pytest.fixture(scope="module")
def named(world: World) -> Iterator[World]:
    """A scan of nothing but hostile names, and of one file with hostile lines."""
    folder = folder_of_names(world.folder(f"place{ODD}"))
    (folder / "lines.py").write_text(LINES)
    for number in range(3):
        (folder / f"twin\x1b[31mEVIL{number}.py").write_text("def twin():\n    return 1\n")
    assert world.read("screen-folder", folder).state == "ready"
    assert world.read("screen-zip", zip_of_names(folder.parent)).state == "ready"
    world.scan()
    yield world
    world.remove("screen-folder", "screen-zip")


@pytest.mark.parametrize("as_json", [False, True], ids=["text", "json"])
def test_the_shell_lists_them_plainly(named: World, as_json: bool) -> None:
    more = ["--json"] if as_json else []
    for arguments in (["scan", "files"], ["scan", "files", "--rejected"], ["sources", "list"], ["status"]):
        code, written = named.shell(*arguments, *more)
        assert code == 0 and plain(written), arguments
        assert not [sign for sign in SIGNS if sign in written]
    written = named.shell("scan", "files", *more)[1]
    stored = [name.replace("\\", "\\\\") if as_json else name for name in (*NAMES.values(), INVALID[1])]
    assert [name for name in stored if name.encode() not in written] == []


async def test_the_screen_shows_them_plainly(named: World, tmp_path: object, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path))
    app = RefactApp(Paths(named.box.home))
    shown = []
    async with app.run_test(size=(120, 40), notifications=True) as pilot:
        await sees(pilot, "screen-folder", "screen-zip")
        await pilot.press("j")
        await sees(pilot, "/place")
        shown.append(screen_text(app))
        await pilot.press("2")
        await sees(pilot, "EVIL.py", "markup[@click")
        shown.append(screen_text(app))
        await pilot.press("slash", *"lines.py")
        await sees(pilot, "1–1 of 1")
        await pilot.press("enter", "enter")
        await sees(pilot, "surprising", "PWNED")
        shown.append(screen_text(app))
        await pilot.press("escape", "escape", "right_square_bracket")
        await sees(pilot, "same content as")
        await pilot.press("enter")
        await sees(pilot, "✗ duplicate")
        shown.append(screen_text(app))
    assert all(plain(text) for text in shown)


def test_no_byte_of_them_reaches_the_terminal(named: World) -> None:
    """The real program on a terminal of its own."""
    with terminal(named) as screen:
        screen.until(b"screen-zip")
        screen.press(b"j")
        screen.until(b"/place")
        screen.press(b"2")
        screen.until(b"EVIL")
        screen.press(b"/")
        screen.press(b"lines.py")
        screen.until("1–1 of 1".encode())
        screen.press(b"\r")
        screen.press(b"\r")
        screen.until(b"surprising")
        screen.press(b"\x1b")
        written = screen.press(b"q", quiet=2)
    assert b"EVIL" in written and b"PWNED" in written and "␛".encode() in written
    assert [sign for sign in SIGNS if sign in written] == []


class Screen:
    """What a program has written to its terminal so far."""

    def __init__(self, handle: int) -> None:
        self._handle = handle
        self.written = b""

    def read(self, seconds: float) -> None:
        """Whatever comes until nothing has come for so long."""
        while select.select([self._handle], [], [], seconds)[0]:
            with contextlib.suppress(OSError):
                if piece := os.read(self._handle, 1 << 16):
                    self.written += piece
                    continue
            return  # the program has ended

    def press(self, keys: bytes, quiet: float = 0.5) -> bytes:
        os.write(self._handle, keys)
        self.read(quiet)
        return self.written

    def until(self, words: bytes) -> None:
        end = time.monotonic() + 60
        while words not in self.written:
            assert time.monotonic() < end, f"{words!r} did not come: {self.written[-2000:]!r}"
            self.read(0.3)


@contextlib.contextmanager
def terminal(world: World) -> Iterator[Screen]:
    ours, theirs = pty.openpty()
    fcntl.ioctl(theirs, termios.TIOCSWINSZ, struct.pack("HHHH", 40, 120, 0, 0))
    environment = {**world.box.environment, "TERM": "xterm-256color", "XDG_CONFIG_HOME": str(world.box.home)}
    program = [sys.executable, "-P", "-m", "refact_tui"]
    process = subprocess.Popen(program, stdin=theirs, stdout=theirs, stderr=theirs, env=environment, cwd="/")
    os.close(theirs)
    try:
        yield Screen(ours)
    finally:
        process.kill()
        process.wait()
        os.close(ours)
