"""The whole story by keyboard alone at 80×24, in tmux through a real sshd, with the connection lost on the way."""

import os
import re
import shlex
import shutil
import signal
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.e2e.engine_box import Box, sample
from tests.e2e.terminal import Terminal
from tests.sources.private_servers import SSHD, Sshd

pytestmark = [
    pytest.mark.soak,
    pytest.mark.timeout(1800),
    pytest.mark.skipif(None in (SSHD, shutil.which("ssh"), shutil.which("tmux")), reason="OpenSSH or tmux is missing"),
]
STEPS = 40
LONG_S = 900
SCREEN = "-m refact_tui"
Come = Callable[[], Terminal]


@pytest.fixture
def come(box: Box, tmp_path: Path) -> Iterator[Come]:
    """Comes in by ssh, on a terminal of its own, and has the program opened; the box has a user without settings."""
    program = tmp_path / "refact-tui"
    ours = {"REFACT_TUI_HOME": box.home, "REFACT_TUI_PORT": box.port, "XDG_CONFIG_HOME": tmp_path / "config"}
    exports = " ".join(f"{name}={shlex.quote(str(value))}" for name, value in {**ours, "LANG": "C.UTF-8"}.items())
    folder = Path(__file__).parents[2]
    command = f"exec {shlex.quote(sys.executable)} -P {SCREEN}"
    program.write_text(f"#!/bin/sh\nexport {exports} PYTHONPATH={shlex.quote(str(folder))}\n{command}\n")
    program.chmod(0o755)
    daemon = Sshd(tmp_path)
    daemon.start()
    client = daemon.client()
    opened: list[Terminal] = []

    def open_it() -> Terminal:
        one = Terminal(f"story-{len(opened)}")
        opened.append(one)
        environment = {name: os.environ[name] for name in ("HOME", "PATH") if name in os.environ}
        one.start([client[0], "-tt", *client[1:], str(program)], environment)
        one.until("● engine", "q detach", seconds=LONG_S)
        return one

    yield open_it
    for one in opened:
        one.kill()
    daemon.stop()


def seen(terminal: Terminal, what: Callable[[str], bool], seconds: float = LONG_S) -> str:
    """The screen once it is so; fails with the last one."""
    end = time.monotonic() + seconds
    while not what(shown := terminal.screen()):
        assert time.monotonic() < end, shown
        time.sleep(0.3)
    return shown


def step_of(screen: str) -> int:
    """How far the run is, by its line in the list; -1 where it is not there."""
    found = re.search(rf"story .* (\d+)/{STEPS} ", screen)
    return int(found[1]) if found else -1


def add_scan_and_read_why(one: Terminal, repository: Path) -> None:
    one.until("Nothing here yet.", "Add your code", "Another engine")
    one.press("Enter")
    one.until("Add code", "esc cancel")
    one.type(str(repository))
    one.until("git repository")
    one.press("Enter")
    one.until("✓", "Next: 2 then n to scan", seconds=LONG_S)
    one.press("2")
    one.until("Next: n to scan")
    one.press("n")
    one.until("Next: 3 then n to train", "✓", seconds=LONG_S)
    one.press("]")
    one.until("[Rejected]")
    one.press("/")
    one.type("logo")
    one.press("Enter")
    one.until("logo.png", "of 1 ")
    one.press("Enter")
    one.until("✗ not_text", "esc back")
    one.press("Escape")
    one.until("[Rejected]")
    one.press("Escape")


def start_a_small_run(one: Terminal, box: Box) -> None:
    one.press("3")
    one.until("Next: n to train")
    one.press("n")
    one.until("Plan a run", "memory and time")
    one.press("BTab", "BTab", "BTab", "BTab")  # from Start back over minutes, steps and model
    one.type("story")
    one.press("Tab", "Tab")
    one.type(str(STEPS))
    one.press("Enter")
    one.until(f"{STEPS} × batch")
    settings = [name for name in box.ok("train", "plan")["settings"] if name != "train_steps"]
    one.press("C-t")
    one.until("beside", "lora_r")
    one.press(*["Tab"] * (4 + settings.index("batch_size")))
    one.type("4")
    one.press("Enter")
    one.until(f"{STEPS} × batch 4 ")
    one.press("C-s")
    one.until("story", "▶ running", "Now: it trains", seconds=LONG_S)


def compare_and_switch(one: Terminal, box: Box) -> None:
    one.press("4")
    one.until("story:", "Next: ")
    one.press("c")
    one.until("Compare base ⟷ story:", "1 place seen: exact", seconds=LONG_S)
    one.press("Escape")
    # A tuned completion has been seen: from now on nobody is told what to do.
    seen(one, lambda screen: "Compare base" not in screen and "vs BASE" in screen and "Next:" not in screen)
    prompt = "import os\n\n\nclass Engine:\n    def "
    texts = []
    for keys, said in (("o", "serving the base model"), ("Enter", "serving story:")):
        one.press(keys)
        one.until(said, "switched in", "0 requests dropped")
        texts.append(box.ok("complete", "--max-tokens", "32", stdin=prompt)["text"])
    assert texts[0] != texts[1]


def copy_the_setting(one: Terminal, box: Box) -> None:
    one.press("5", "]")
    one.until("[Connect an IDE]", "PLUG-IN", "Refact · VS Code")
    one.press("y")
    setting = f'"refactai.addressURL": "http://127.0.0.1:{box.port}"'
    one.until("Copied", setting)
    assert one.clipboard().strip() == setting


def leave(one: Terminal, box: Box) -> None:
    one.press("q")
    box.until(lambda: not one.alive(), 60)


def test_the_whole_story_by_keyboard_alone(box: Box, come: Come) -> None:
    one = come()  # it starts the engine: there was none
    add_scan_and_read_why(one, sample(box.home.parent / "sample"))
    start_a_small_run(one, box)
    before = step_of(seen(one, lambda screen: 3 <= step_of(screen) < STEPS))
    engine = box.engine_pid()

    os.kill(one.pid(), signal.SIGKILL)
    box.until(lambda: not one.alive() and not box.processes(SCREEN), 120)

    two = come()
    two.press("3")
    shown = seen(two, lambda screen: step_of(screen) > before)
    assert box.engine_pid() == engine and "resumed" not in shown
    seen(two, lambda screen: "✓ done" in screen and "Next: " in screen)
    compare_and_switch(two, box)
    copy_the_setting(two, box)
    leave(two, box)

    three = come()
    assert "Next:" not in three.until("sample", "▲ story:")
    leave(three, box)
    assert box.engine_pid() == engine
