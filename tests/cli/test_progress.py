"""What a verb says while it waits: on a terminal how long by now, elsewhere a plain line now and then."""

import sys
import time

import pytest

from backend import wire
from refact_tui.cli import output
from refact_tui.cli.output import Progress, waiting

JOB = wire.Job(
    id=1,
    kind="source",
    name="code",
    state="running",
    done=300_000_000,
    total=1_200_000_000,
    rate=50_000_000.0,
    unit="bytes",
    eta_s=18.0,
    message="downloading",
)


def on_terminal(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys.stderr, "isatty", lambda: True)
    monkeypatch.setenv("COLUMNS", "80")
    monkeypatch.setenv("TERM", "xterm-256color")
    monkeypatch.setenv("LANG", "C.UTF-8")


def test_on_a_terminal_one_line_is_drawn_again(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    on_terminal(monkeypatch)
    progress = Progress()
    progress.job("code", JOB)
    monkeypatch.setenv("COLUMNS", "100")
    progress.job("code", JOB)
    progress.end()
    drawn = capsys.readouterr().err.split("\r\x1b[K")
    assert drawn[1].split()[:2] == ["code:", "downloading"]
    assert drawn[1].endswith("25%  286 MB/1.1 GB  48 MB/s  ETA 18s")
    assert drawn[2].endswith("48 MB/s  elapsed 0s  ETA 18s")
    assert drawn[3:] == [""]


def test_elsewhere_a_line_is_written_once(capsys: pytest.CaptureFixture[str]) -> None:
    progress = Progress()
    for _ in range(3):
        progress.show("reading", 1, 4, "files")
    progress.show("listing")
    assert capsys.readouterr().err.splitlines() == ["reading  █████                  25%  1/4 files  ETA –", "listing"]


def test_what_takes_a_moment_is_said_only_on_a_terminal(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    on_terminal(monkeypatch)
    with waiting("switching"):
        pass
    assert capsys.readouterr().err == ""
    monkeypatch.setattr(output, "MOMENT_S", 0.02)
    with waiting("switching"):
        time.sleep(0.2)
    assert "\r\x1b[Kswitching  elapsed 0s" in capsys.readouterr().err


def test_in_a_script_nothing_is_said_of_a_moment(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(output, "MOMENT_S", 0.01)
    with waiting("switching"):
        time.sleep(0.05)
    assert capsys.readouterr().err == ""
