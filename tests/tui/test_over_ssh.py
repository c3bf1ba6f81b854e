"""On a line that may be slow the screen is drawn less often, and nothing on it moves by itself."""

import os
import subprocess
import sys

import pytest
from textual.widgets import Input

from refact_tui.frame import RefactApp
from tests.tui.pilots import press, sees, until
from tests.tui.stub_engine import StubEngine


@pytest.mark.parametrize("ssh", [True, False])
async def test_over_ssh_no_cursor_blinks(ssh: bool, engine: StubEngine, monkeypatch: pytest.MonkeyPatch) -> None:
    if ssh:
        monkeypatch.setenv("SSH_CONNECTION", "10.0.0.1 5 10.0.0.2 22")
    app = RefactApp(engine.paths)
    async with app.run_test(size=(80, 24)) as pilot:
        await sees(pilot, "● engine")
        await press(pilot, "n")
        await until(pilot, lambda: isinstance(app.focused, Input), "the field")
        await pilot.pause()
        assert isinstance(app.focused, Input)
        assert app.focused.cursor_blink is not ssh


@pytest.mark.parametrize(("ssh", "frames", "animation"), [("10.0.0.1 5 10.0.0.2 22", 15, "none"), ("", 60, "full")])
def test_over_ssh_there_are_fewer_frames_and_nothing_moves_by_itself(ssh: str, frames: int, animation: str) -> None:
    code = (
        "from refact_tui import app\n"
        "app.suit_the_line()\n"
        "from textual import constants\n"
        "from refact_tui.frame import RefactApp\n"
        "from backend.paths import Paths\n"
        "from pathlib import Path\n"
        "one = RefactApp(Paths(Path('/nowhere')))\n"
        "print(constants.MAX_FPS, constants.SMOOTH_SCROLL, one.animation_level)\n"
    )
    environment = {name: value for name, value in os.environ.items() if not name.startswith("TEXTUAL_")}
    environment |= {"SSH_CONNECTION": ssh} if ssh else {}
    found = subprocess.run([sys.executable, "-c", code], env=environment, capture_output=True, text=True, check=True)
    assert found.stdout.split() == [str(frames), str(not ssh), animation]
