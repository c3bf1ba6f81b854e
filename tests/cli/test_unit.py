"""The systemd unit: what it says is what starts, stops and keeps a real engine; systemd's own reader finds no fault."""

import os
import shlex
import shutil
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from backend import engine
from backend.jobs import records
from backend.paths import UNIT, Paths, default_home, unit_file
from backend.train import run as runs
from refact_tui import systemd, unit
from tests.e2e.engine_box import Box, fresh_box

ODD = "a b%c\"d$e'f\\g"


@pytest.fixture
def lone(tmp_path: Path) -> Iterator[Box]:
    """Its own user home too, so that no unit of this user's is touched."""
    with fresh_box() as one:
        one.environment = {**one.environment, "HOME": str(tmp_path)}
        one.environment.pop("REFACT_TUI_HOST", None)
        yield one


def words_of(text: str, name: str) -> list[str]:
    """What systemd makes of the lines of one setting: quotes and C's escapes go, `%%` is a percent sign."""
    found = [line.partition("=")[2] for line in text.splitlines() if line.startswith(f"{name}=")]
    return [word.replace("%%", "%") for line in found for word in shlex.split(line)]


def setting(text: str, name: str) -> str:
    (found,) = words_of(text, name)
    return found


def test_it_is_written_once_and_never_over_what_somebody_else_wrote(lone: Box, tmp_path: Path) -> None:
    shown = lone.ok("engine", "unit")
    path = tmp_path / ".config" / "systemd" / "user" / "refact-tui.service"
    assert shown["path"] == str(path) and not shown["installed"] and not path.exists()
    assert not lone.home.exists()
    installed = lone.ok("engine", "unit", "--install")
    assert installed["installed"] and path.read_text() == installed["unit"] == shown["unit"]
    assert [one.split()[0] for one in installed["next"]] == ["systemctl", "systemctl", "loginctl"]
    assert lone.ok("engine", "unit")["installed"]
    path.write_text("[Service]\nExecStart=/bin/true\n")
    code, answer, errors = lone.run("engine", "unit", "--install")
    assert code == 4 and answer["error"]["code"] == "refused" and "--yes" in errors
    assert "ExecStart=/bin/true" in path.read_text()
    lone.ok("engine", "unit", "--install", "--yes")
    assert path.read_text() == shown["unit"]
    assert [one.name for one in path.parent.iterdir()] == [path.name]


def test_what_it_starts_serves_keeps_its_log_and_ends_well(lone: Box) -> None:
    text = lone.ok("engine", "unit")["unit"]
    given = dict(word.split("=", 1) for word in words_of(text, "Environment"))
    assert given == {"REFACT_TUI_HOME": str(lone.home), "REFACT_TUI_PORT": str(lone.port)}
    # systemd gives a service little more than this.
    bare = {"HOME": lone.environment["HOME"], "PATH": os.environ["PATH"], **given}
    with subprocess.Popen(words_of(text, "ExecStart"), env=bare, cwd="/", stderr=subprocess.PIPE) as started:
        try:
            assert started.stderr is not None
            assert b"serves" in started.stderr.readline()
            assert lone.engine_pid() == started.pid
            assert lone.ok("engine", "unit")["next"][0] == "refact-tui engine stop"
        finally:
            started.send_signal(signal.SIGTERM)
            started.communicate(timeout=60)
    assert started.returncode == 0
    log = (lone.home / "logs" / "engine.log").read_text()
    assert log.count("serves") == 1 and "engine ended" in log


def test_an_engine_that_a_verb_starts_writes_each_line_of_its_log_once(lone: Box) -> None:
    lone.ok("engine", "start")
    assert (lone.home / "logs" / "engine.log").read_text().count("serves") == 1


def test_it_lets_a_run_save_and_kills_no_trainer() -> None:
    text = unit.unit(Paths(default_home()))
    assert int(setting(text, "TimeoutStopSec")) > runs.SAVE_S + engine.DRAIN_S + records.GRACE_S
    assert setting(text, "KillMode") == "process"
    assert setting(text, "OOMPolicy") == "continue"
    assert setting(text, "Restart") == "on-failure"


def test_the_usual_home_needs_no_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in systemd.CARRIED:
        monkeypatch.delenv(name, raising=False)
    assert "Environment" not in unit.unit(Paths(default_home()))
    monkeypatch.setenv("REFACT_TUI_HOST", "0.0.0.0")
    assert words_of(unit.unit(Paths(default_home())), "Environment") == ["REFACT_TUI_HOST=0.0.0.0"]


@given(st.text(st.characters(exclude_categories=["Cs", "Cc"]), min_size=1))
def test_any_folder_name_is_read_back_as_one_word_on_one_line(name: str) -> None:
    text = unit.unit(Paths(Path("/srv") / name.replace("/", "_")), (f"/opt/{name}/python", "-P"))
    (home,) = [word for word in words_of(text.replace("\\n", "\n"), "Environment") if "HOME" in word]
    assert home == f"REFACT_TUI_HOME=/srv/{name.replace('/', '_')}"
    program, *arguments = words_of(text, "ExecStart")
    started = [program, *(word.replace("$$", "$") for word in arguments)]
    assert started[-2:] == [f"/opt/{name}/python", "-P"] and started[:-2] in ([], ["/usr/bin/env"])


@pytest.mark.skipif(shutil.which("systemd-analyze") is None, reason="systemd-analyze is not installed")
def test_systemd_reads_it_without_a_word(tmp_path: Path) -> None:
    home, python = tmp_path / ODD, tmp_path / ODD / "python"
    home.mkdir()
    python.symlink_to(sys.executable)
    path = tmp_path / UNIT
    path.write_text(unit.unit(Paths(home), (str(python), "-P", "-m", "backend")))
    environment = {**os.environ, "XDG_RUNTIME_DIR": str(tmp_path)}
    command = ["systemd-analyze", "verify", "--user", str(path)]
    done = subprocess.run(command, env=environment, capture_output=True, text=True, check=False, timeout=60)
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")
    path.write_text(path.read_text().replace("KillMode=process", "KillMode=proces"))
    done = subprocess.run(command, env=environment, capture_output=True, text=True, check=False, timeout=60)
    assert "kill mode" in done.stderr


def test_whose_engine_an_installed_unit_keeps(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("HOME", str(tmp_path))
    for name in systemd.CARRIED:
        monkeypatch.delenv(name, raising=False)
    usual, other = Paths(default_home()), Paths(tmp_path / ODD)
    assert not systemd.keeps(usual)
    path = unit_file()
    path.parent.mkdir(parents=True)
    path.write_text(unit.unit(usual))
    assert systemd.keeps(usual) and not systemd.keeps(other)
    path.write_text(unit.unit(other))
    assert systemd.keeps(other) and not systemd.keeps(usual)
    # A shell that wants another port than the unit has is not given the unit's.
    monkeypatch.setenv("REFACT_TUI_PORT", "9001")
    assert not systemd.keeps(other)
    path.write_text(unit.unit(other))
    assert systemd.keeps(other)
    monkeypatch.delenv("REFACT_TUI_PORT")
    assert systemd.keeps(other)


def test_where_systemd_cannot_be_asked_the_engine_is_started_all_the_same(lone: Box) -> None:
    lone.environment = {**lone.environment, "XDG_RUNTIME_DIR": str(lone.home.parent), "DBUS_SESSION_BUS_ADDRESS": ""}
    lone.ok("engine", "unit", "--install")
    assert lone.ok("engine", "start")["pid"] == lone.engine_pid()
