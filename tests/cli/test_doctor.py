"""The shell's doctor: what it says of this terminal, and of a port that somebody else has."""

import os
import pty
import socket
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from refact_tui.doctor_terminal import clipboard, colours
from tests.e2e.engine_box import Box, free_port


@pytest.fixture
def nobody(tmp_path: Path) -> Iterator[Box]:
    """A home in which no engine runs, and none is started."""
    one = Box(tmp_path / "nobody", free_port())
    yield one
    assert not one.home.exists()


@pytest.mark.parametrize(
    ("environment", "ok", "said", "remedy"),
    [
        ({"TERM": "xterm-256color", "COLORTERM": "truecolor"}, True, "16 million", ""),
        ({"TERM": "tmux-256color"}, True, "256;", ""),
        ({"TERM": "xterm"}, None, "16:", "xterm-256color"),
        ({"TERM": "screen", "TMUX": "/tmp/tmux-1/default,1,0"}, None, "16:", "tmux-256color"),
        ({"TERM": "linux"}, None, "16:", ""),
        ({"TERM": "xterm-256color", "NO_COLOR": "1"}, True, "NO_COLOR", ""),
    ],
)
def test_colours(environment: dict[str, str], ok: bool | None, said: str, remedy: str) -> None:
    found = colours(environment)
    assert found.ok is ok and said in found.finding
    assert remedy in found.remedy and bool(found.remedy) is bool(remedy)


@pytest.mark.parametrize(
    ("environment", "passes", "ok", "remedy"),
    [
        ({"TERM": "xterm-256color"}, None, None, "shift"),
        ({"TERM": "tmux-256color", "TMUX": "x"}, True, None, "shift"),
        ({"TERM": "tmux-256color", "TMUX": "x"}, False, False, "set-clipboard on"),
        ({"TERM": "screen", "STY": "1.pts"}, None, False, "shift"),
        ({"TERM": "linux"}, None, None, "shift"),
    ],
)
def test_clipboard(environment: dict[str, str], passes: bool | None, ok: bool | None, remedy: str) -> None:
    found = clipboard(environment, passes)
    assert found.ok is ok and remedy in found.remedy


def test_a_port_that_is_taken(nobody: Box) -> None:
    (free,) = [one for one in nobody.ok("doctor") if one["check"] == "port"]
    assert free["ok"] is True
    with socket.create_server(("127.0.0.1", nobody.port)):
        (taken,) = [one for one in nobody.ok("doctor") if one["check"] == "port"]
    assert taken["ok"] is False and str(nobody.port) in taken["finding"] and "--port" in taken["remedy"]


def test_on_a_terminal_it_looks_at_colours_and_clipboard(nobody: Box) -> None:
    ours, theirs = pty.openpty()
    environment = {**nobody.environment, "TERM": "xterm", "COLORTERM": "", "NO_COLOR": "", "TMUX": "", "STY": ""}
    command = [sys.executable, "-P", "-m", "refact_tui", "doctor"]
    with subprocess.Popen(command, env=environment, stdout=theirs, stderr=theirs) as process:
        os.close(theirs)
        said = b""
        try:
            while piece := os.read(ours, 65536):
                said += piece
        except OSError:  # the other side is closed
            pass
        os.close(ours)
        assert process.wait(60) == 0
    lines = {line.split()[1]: line for line in said.decode().splitlines() if len(line.split()) > 1}
    assert "16:" in lines["colours"] and "OSC 52" in lines["clipboard"] and "xterm" in lines["terminal"]
