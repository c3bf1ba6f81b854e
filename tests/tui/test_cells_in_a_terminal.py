"""What we count as cells is what a real terminal takes: tmux is asked about every character that is shown as it is."""

import sys
import time
from pathlib import Path

import pytest

from tests.e2e.terminal import Terminal

FOLDER = Path(__file__).parents[2]


@pytest.mark.slow
def test_a_terminal_takes_as_many_cells_as_we_count(tmp_path: Path) -> None:
    terminal, result = Terminal("cells"), tmp_path / "told"
    command = [sys.executable, "-m", "tests.tui.cell_probe", str(result)]
    try:
        terminal.start(command, {"LC_ALL": "C.UTF-8", "PYTHONPATH": str(FOLDER)})
        end = time.monotonic() + 100
        while not result.exists():
            assert time.monotonic() < end, terminal.screen()
            time.sleep(0.2)
    finally:
        terminal.kill()
    number, *off = result.read_text().split()
    assert int(number) > 20_000
    assert not off
