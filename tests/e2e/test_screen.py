"""The whole story by keyboard at 80×24: add, scan, read a refusal, train, lose the terminal, come back, switch."""

import os
import shutil
import sys
import time
from collections.abc import Iterator

import pytest

from tests.e2e.engine_box import Box, sample
from tests.e2e.terminal import Terminal

pytestmark = [
    pytest.mark.soak,
    pytest.mark.timeout(900),
    pytest.mark.skipif(shutil.which("tmux") is None, reason="tmux is not installed"),
]
PROGRAM = [sys.executable, "-P", "-m", "refact_tui"]


@pytest.fixture
def terminal() -> Iterator[Terminal]:
    one = Terminal("story")
    yield one
    one.kill()


def attach(terminal: Terminal, box: Box) -> None:
    names = ("HOME", "PATH", "LANG")
    environment = {name: os.environ[name] for name in names if name in os.environ}
    ours = {"REFACT_TUI_HOME": str(box.home), "REFACT_TUI_PORT": str(box.port), "LANG": "C.UTF-8"}
    terminal.start(PROGRAM, {**environment, **ours})
    terminal.until("Sources", "Scan", "Train", "Checkpoints", "Serve")


def test_the_main_job_by_keyboard(box: Box, terminal: Terminal) -> None:
    repository = sample(box.home.parent / "sample")
    attach(terminal, box)  # it starts the engine: there was none

    terminal.press("n")
    terminal.until("Add code")
    terminal.type(str(repository))
    terminal.until("git repository")
    terminal.press("Enter")
    terminal.until("sample", "✓")

    terminal.press("2", "n")
    box.until(
        lambda: (
            (scan := box.run("scan", "files", "--rejected")[1]) and any(row["reason"] == "not_text" for row in scan)
        ),
        180,
    )
    box.until(lambda: all(job["state"] == "done" for job in box.ok("status")["jobs"]), 240)
    terminal.press("]")
    terminal.until("logo.png")
    terminal.press("Tab", "Tab", "Tab", "Enter")
    terminal.until("not_text")
    terminal.press("Escape")

    terminal.press("3", "n")
    terminal.until("Plan a run", "steps")
    terminal.press("Tab", "Tab", "Tab")  # from Start around to the first field
    terminal.press("Escape")
    box.ok("train", "start", "--name", "story", "--steps", "60", "--batch-size", "4")
    terminal.until("story", "running", seconds=120)
    box.until(lambda: box.ok("train", "show", "story")["step"] >= 3, 120)
    before = terminal.screen()
    box.until(lambda: terminal.screen() != before, 60)  # the plot and the step move by themselves
    terminal.kill()

    step = box.ok("train", "show", "story")["step"]
    time.sleep(2)
    attach(terminal, box)
    terminal.press("3")
    terminal.until("story")
    box.until(lambda: box.ok("train", "show", "story")["step"] > step, 60)
    box.until(lambda: box.ok("train", "show", "story")["state"] == "done", 400)

    terminal.press("4")
    terminal.until("story:60")
    texts = {}
    for key, mode in (("o", "off"), ("b", "latest-best")):
        if box.ok("status")["serving"][0]["mode"] != mode:
            terminal.press(key)
            box.until(lambda mode=mode: box.ok("status")["serving"][0]["mode"] == mode, 30)  # type: ignore[misc]
        texts[mode] = box.ok("complete", "--max-tokens", "32", stdin="import os\n\n\nclass Engine:\n    def ")["text"]
    assert texts["off"] != texts["latest-best"]
    terminal.press("g", "Enter")
    box.until(lambda: box.ok("status")["serving"][0]["mode"] == "specific", 30)

    terminal.press("q")
    box.until(lambda: not terminal.alive(), 20)
    assert box.ok("status")["engine"]["pid"]
