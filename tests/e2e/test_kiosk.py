"""The kiosk account of docs/deploy.md, its own lines in a real sshd: the screen and nothing else, whatever is asked."""

import contextlib
import os
import pty
import re
import shlex
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.e2e.engine_box import Box, fresh_box
from tests.sources.private_servers import SSHD, Sshd

ROOT = Path(__file__).parents[2]
pytestmark = pytest.mark.skipif(SSHD is None or shutil.which("ssh") is None, reason="OpenSSH is not installed")


def lines(program: Path) -> list[str]:
    """The documented lines, for this user and this program."""
    (block,) = re.findall(r"```sshd\n(.*?)```", (ROOT / "docs" / "deploy.md").read_text(), re.DOTALL)
    named: str = block.replace("/home/tuner/refact-tui/.venv/bin/refact-tui", str(program))
    user = subprocess.run(["id", "-un"], capture_output=True, text=True, check=True).stdout.strip()
    assert "Match User tuner" in named and str(program) in named
    return named.replace("Match User tuner", f"Match User {user}").splitlines()


@pytest.fixture
def box() -> Iterator[Box]:
    with fresh_box() as one:
        yield one


@pytest.fixture
def ssh(box: Box, tmp_path: Path) -> Iterator[list[str]]:
    """The client's command line, up to what it asks for."""
    program = tmp_path / "refact-tui"
    exports = " ".join(f"{name}={shlex.quote(value)}" for name, value in box.environment.items() if "REFACT" in name)
    program.write_text(f'#!/bin/sh\n{exports} exec {shlex.quote(sys.executable)} -P -m refact_tui "$@"\n')
    program.chmod(0o755)
    daemon = Sshd(tmp_path, lines(program))
    daemon.start()
    yield daemon.client()
    daemon.stop()


def on_a_terminal(command: list[str]) -> tuple[int, str]:
    """Exit status and all that was written, `q` being pressed once the screen is there."""
    ours, theirs = pty.openpty()
    environment = {**os.environ, "TERM": "xterm-256color"}
    with subprocess.Popen(command, stdin=theirs, stdout=theirs, stderr=theirs, env=environment) as client:
        os.close(theirs)
        written = b""
        with contextlib.suppress(OSError):  # the other side is closed
            while piece := os.read(ours, 65536):
                written += piece
                if "● engine".encode() in written and client.poll() is None:
                    os.write(ours, b"q")
        os.close(ours)
        return client.wait(60), written.decode(errors="replace")


def test_whatever_is_asked_for_is_the_screen(ssh: list[str], box: Box, tmp_path: Path) -> None:
    stolen = tmp_path / "stolen"
    for asked in ([], [f"touch {stolen}"]):
        status, screen = on_a_terminal([ssh[0], "-tt", *ssh[1:], *asked])
        assert status == 0 and "● engine" in screen, screen
    # Without a terminal there is no screen, and nothing else either.
    done = subprocess.run([*ssh, f"touch {stolen}"], capture_output=True, text=True, check=False, timeout=60)
    assert done.returncode != 0 and "needs a terminal" in done.stdout + done.stderr
    assert not stolen.exists()
    assert box.ok("status")["engine"]["pid"]


def test_nothing_is_forwarded(ssh: list[str], box: Box) -> None:
    box.ok("engine", "start")
    command = [ssh[0], "-W", f"127.0.0.1:{box.port}", *ssh[1:]]
    done = subprocess.run(command, input="GET /health HTTP/1.0\r\n\r\n", capture_output=True, text=True, timeout=60)
    assert done.returncode != 0 and "HTTP" not in done.stdout
