"""The Docker image outside Docker: what its run part says is run here, with a folder in place of the volume.

Building the image and lending it a GPU are not tested: they want a Docker daemon."""

import contextlib
import http.client
import json
import os
import pty
import re
import shlex
import shutil
import signal
import subprocess
import sys
import tomllib
from collections.abc import Iterator
from dataclasses import dataclass
from fnmatch import fnmatch
from pathlib import Path
from typing import Any

import pytest
import yaml

from refact_tui.unit import SAVING_S
from tests.e2e.engine_box import Box, fresh_box

ROOT = Path(__file__).parents[2]
DEPLOY = ROOT / "deploy"
VOLUME = "/perm_storage"
TINI = ["tini", "--"]


def instructions() -> list[tuple[str, str]]:
    """The Dockerfile, instruction by instruction, continued lines joined."""
    lines = [line for line in (DEPLOY / "Dockerfile").read_text().splitlines() if not line.startswith("#")]
    joined = re.sub(r"\\\n\s*", "", "\n".join(lines))
    found = [line.partition(" ") for line in joined.splitlines() if line]
    return [(name, rest.strip()) for name, _, rest in found]


def said(name: str) -> list[str]:
    return [rest for one, rest in instructions() if one == name]


def service() -> Any:
    return yaml.safe_load((DEPLOY / "compose.yaml").read_text())["services"]["engine"]


@dataclass
class Container:
    """What Docker would start: the image's commands in the image's environment, with one folder as the volume."""

    box: Box
    environment: dict[str, str]
    grace_s: float

    def start(self) -> subprocess.Popen[str]:
        (entry,), (command,) = said("ENTRYPOINT"), said("CMD")
        line = json.loads(entry) + json.loads(command)
        # Docker gives the first process nobody to bury; outside it the system has its own.
        line = line if shutil.which("tini") else line[len(TINI) :]
        return subprocess.Popen(
            line, env=self.environment, cwd=self.box.home, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
        )

    def stop(self, started: subprocess.Popen[str]) -> str:
        """As `docker stop`; what it had printed and nobody had read."""
        (name,) = said("STOPSIGNAL")
        started.send_signal(signal.Signals[name])
        out, _ = started.communicate(timeout=self.grace_s)
        assert started.returncode == 0
        assert not self.box.processes()
        return out

    def execute(self, *command: str) -> subprocess.CompletedProcess[str]:
        """As `docker exec`."""
        return subprocess.run(
            command, env=self.environment, cwd=self.box.home, capture_output=True, text=True, check=False, timeout=120
        )

    def healthy(self) -> bool:
        (check,) = said("HEALTHCHECK")
        return self.execute(*json.loads(check.partition(" CMD ")[2])).returncode == 0

    def asked(self, key: str) -> int:
        """The status of a stranger's request: one that a port of Docker's forwards."""
        connection = http.client.HTTPConnection("127.0.0.1", self.box.port, timeout=30)
        with contextlib.closing(connection):
            forwarded = {"X-Forwarded-For": "192.0.2.7"}
            connection.request("GET", "/v1/models", headers={"Authorization": f"Bearer {key}", **forwarded})
            return connection.getresponse().status

    def attach(self) -> str:
        """As `docker exec -it … refact-tui` in 80×24: what the screen wrote until `q` left it."""
        ours, theirs = pty.openpty()
        size = {"COLUMNS": "80", "LINES": "24"}
        with subprocess.Popen(
            ["refact-tui"], env={**self.environment, **size}, stdin=theirs, stdout=theirs, stderr=theirs
        ) as screen:
            os.close(theirs)
            written = b""
            with contextlib.suppress(OSError):  # the other side is closed
                while piece := os.read(ours, 65536):
                    written += piece
                    if "● engine".encode() in written and screen.poll() is None:
                        os.write(ours, b"q")
            os.close(ours)
            assert screen.wait(60) == 0
        return written.decode(errors="replace")


@pytest.fixture
def container(tmp_path: Path) -> Iterator[Container]:
    program = tmp_path / "bin" / "refact-tui"
    program.parent.mkdir()
    program.write_text(f'#!/bin/sh\nexec {shlex.quote(sys.executable)} -P -m refact_tui "$@"\n')
    program.chmod(0o700)
    with fresh_box() as box:
        box.home.mkdir()
        image = dict(word.split("=", 1) for rest in said("ENV") for word in shlex.split(rest))
        image = {name: value.replace(VOLUME, str(box.home)) for name, value in image.items()}
        box.environment = {
            "PATH": f"{program.parent}:{os.environ['PATH']}",
            "HOME": str(tmp_path / "none"),
            "REFACT_TUI_PORT": str(box.port),
            **{name: "" for name in service()["environment"]},
            **image,
        }
        grace = re.fullmatch(r"(\d+)s", str(service()["stop_grace_period"]))
        assert grace
        yield Container(box, box.environment, float(grace[1]))


@pytest.mark.timeout(300)
def test_first_start_attach_stop_and_upgrade(container: Container, tmp_path: Path) -> None:
    box = container.box
    code = tmp_path / "code"
    code.mkdir()
    (code / "a.py").write_text("def a() -> int:\n    return 1\n")
    assert not container.healthy()

    first = container.start()
    try:
        assert first.stdout is not None and first.stderr is not None
        told = first.stdout.readline()
        key = told.split()[-1]
        assert "shown once" in told and key.startswith("rt-")
        assert "serves" in first.stderr.readline()
        assert container.healthy()
        assert [container.asked("rt-wrong"), container.asked(key)] == [401, 200]
        assert "● engine" in container.attach()
        assert first.poll() is None
        assert container.execute("refact-tui", "sources", "add", str(code), "--wait").returncode == 0
    finally:
        assert "rt-" not in container.stop(first)
    kept = [path for path in box.home.rglob("*") if path.is_file()]
    assert box.home / "state.db" in kept and box.home / "logs" / "engine.log" in kept
    assert not [path for path in kept if key.encode() in path.read_bytes()]

    # Another image's container on the same volume.
    second = container.start()
    try:
        assert second.stderr is not None
        assert "serves" in second.stderr.readline()
        assert container.asked(key) == 200
        listed = json.loads(container.execute("refact-tui", "sources", "list", "--json").stdout)
        assert [one["name"] for one in listed] == ["code"]
    finally:
        assert container.stop(second) == ""


def test_everything_that_is_kept_lies_on_the_volume() -> None:
    (home,) = [word for rest in said("ENV") for word in shlex.split(rest) if word.startswith("REFACT_TUI_HOME=")]
    assert home == f"REFACT_TUI_HOME={VOLUME}" and said("VOLUME") == [VOLUME]
    (volume,) = service()["volumes"]
    assert volume == f"perm_storage:{VOLUME}"
    (config,) = [word for rest in said("ENV") for word in shlex.split(rest) if word.startswith("XDG_CONFIG_HOME=")]
    assert config.startswith(f"XDG_CONFIG_HOME={VOLUME}/")


def test_a_run_may_save_before_it_is_killed() -> None:
    assert said("STOPSIGNAL") == ["SIGTERM"]
    assert service()["stop_grace_period"] == "120s"
    assert SAVING_S < 120


def test_port_and_gpus_are_those_of_the_image() -> None:
    (port,) = said("EXPOSE")
    assert service()["ports"] == [f"{port}:{port}"] and port == "8008"
    (gpus,) = service()["deploy"]["resources"]["reservations"]["devices"]
    assert gpus == {"driver": "nvidia", "count": "all", "capabilities": ["gpu"]}


def test_what_is_copied_is_there_and_is_all_that_the_wheel_is_made_of() -> None:
    copied = [name for rest in said("COPY") for name in shlex.split(rest)[:-1]]
    allowed = [line[1:] for line in (DEPLOY / "Dockerfile.dockerignore").read_text().splitlines() if line[0] == "!"]
    for name in copied:
        assert (ROOT / name).exists() and any(fnmatch(name, pattern) for pattern in allowed), name
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())
    packages = project["tool"]["hatch"]["build"]["targets"]["wheel"]["packages"]
    needed = {*packages, project["project"]["readme"], *project["project"]["license-files"], "pyproject.toml"}
    assert needed <= set(copied)
    extras = re.search(r"'\.\[([a-z,]+)\]'", (DEPLOY / "Dockerfile").read_text())
    assert extras and set(extras[1].split(",")) <= set(project["project"]["optional-dependencies"])
