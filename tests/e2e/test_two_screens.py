"""Two programs attached to one engine: what one does the other shows, and both find the engine again by themselves."""

import os
import shutil
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.e2e.engine_box import Box
from tests.e2e.terminal import Terminal

pytestmark = [
    pytest.mark.soak,
    pytest.mark.timeout(600),
    pytest.mark.skipif(shutil.which("tmux") is None, reason="tmux is not installed"),
]
PROGRAM = [sys.executable, "-P", "-m", "refact_tui"]
SOON_S = 1.0
"""At most so much later than on the screen of who did it."""


@pytest.fixture
def both(box: Box, tmp_path: Path) -> Iterator[tuple[Terminal, Terminal]]:
    """Two terminals with the program open on the same engine."""
    one, other = Terminal(f"{tmp_path.name}-one"), Terminal(f"{tmp_path.name}-other", 120, 36)
    names = ("HOME", "PATH")
    environment = {name: os.environ[name] for name in names if name in os.environ}
    ours = {"REFACT_TUI_HOME": str(box.home), "REFACT_TUI_PORT": str(box.port), "LANG": "C.UTF-8"}
    try:
        for screen in (one, other):
            screen.start(PROGRAM, {**environment, **ours})
        for screen in (one, other):
            screen.until("● engine", "Sources", seconds=120)
        yield one, other
    finally:
        one.kill()
        other.kill()


def shows(acting: Terminal, watching: Terminal, *words: str) -> None:
    """Both show it, the one that watches hardly later than the one that acts."""
    acting.until(*words)
    seen = time.monotonic()
    watching.until(*words, seconds=SOON_S)
    assert time.monotonic() - seen < 2 * SOON_S


def test_one_acts_and_the_other_shows_it(box: Box, both: tuple[Terminal, Terminal]) -> None:
    one, other = both
    folder = box.home.parent / "shared-code"
    folder.mkdir()
    (folder / "one.py").write_text("def one():\n    return 1\n")
    one.press("n")
    one.until("Add code")
    one.type(str(folder))
    one.until("folder")
    one.press("Enter")
    shows(one, other, "shared-code", "✓ ready")
    other.press("t")
    shows(other, one, "train: all of its files are trained on")
    one.press("6", "L", "]")
    other.press("6", "L", "]")
    for screen in both:
        screen.until("[Settings]", "public_url")
    one.press("G", "k", "k", "k", "Enter")
    shows(one, other, "loopback_needs_key  yes")
    one.press("u")
    one.until("Undone")
    other.until("loopback_needs_key  no")


@pytest.mark.parametrize("how", ["restart", "kill"])
def test_both_find_the_engine_again(box: Box, both: tuple[Terminal, Terminal], how: str) -> None:
    """Restarted by somebody, or dead so that one of the two has to start it: Doctor names its process."""
    before = box.engine_pid()
    for screen in both:
        screen.press("6")
        screen.until(f"pid {before}")
    if how == "restart":
        now = int(box.ok("engine", "restart")["pid"])
        assert now != before
        for screen in both:
            screen.until("● engine", f"pid {now}")
    else:
        box.kill(before)
        box.until(
            lambda: all("● engine" in text and f"pid {before}" not in text for text in map(Terminal.screen, both))
        )
        now = box.engine_pid()
        for screen in both:
            screen.until("● engine", f"pid {now}")
    one, other = both
    one.press("L", "]")
    other.press("L", "]")
    for screen in both:
        screen.until("[Settings]", "public_url")
    one.press("G", "k", "k", "k", "Enter")
    shows(one, other, "loopback_needs_key  yes")
    one.press("u")
    one.until("Undone")
