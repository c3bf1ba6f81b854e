"""From the greeting of one engine to another that runs beside it, on one terminal, and away from both."""

import sys
from pathlib import Path

import pytest

from tests.e2e.engine_box import Box, fresh_box
from tests.e2e.picture import OnTerminal

pytestmark = [pytest.mark.soak, pytest.mark.timeout(300)]
PROGRAM = [sys.executable, "-P", "-m", "refact_tui"]


def test_the_screen_goes_over_and_both_engines_go_on(box: Box, tmp_path: Path) -> None:
    (tmp_path / "one.py").write_text("def one():\n    return 1\n")
    box.ok("sources", "add", str(tmp_path), "--name", "over-there", "--wait")
    with fresh_box() as empty:
        environment = {**empty.environment, "TERM": "xterm-256color", "LANG": "C.UTF-8"}
        one = OnTerminal(PROGRAM, environment, 80, 24)
        try:
            one.until("Add your code", "Another engine")
            one.press("G")
            one.until("▌Another engine")
            one.press("\r")
            one.until("FOUND ON THIS BOX", str(box.home))
            one.press(f"{box.home}\r")
            one.until("● engine", "over-there", "Next: 2 then n")
            one.press("q")
            assert one.ended() == 0
            assert b"Detached. The engine keeps running" in one.sent and b"Traceback" not in one.sent
            assert empty.ok("sources", "list") == []
            assert empty.engine_pid() != box.engine_pid()
        finally:
            one.close()
