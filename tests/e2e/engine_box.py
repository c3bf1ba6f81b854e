"""One real engine in a home of its own, driven by the shell contract and killed by its process ids."""

import contextlib
import http.client
import json
import os
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import psutil
import textual

MODULES = 30
"""Of a package that the starter has never seen, so that there is something to learn."""


class Box:
    """A state home with its engine; every answer is the JSON of the shell contract."""

    def __init__(self, home: Path, port: int) -> None:
        self.home, self.port = home, port
        self.environment = {**os.environ, "REFACT_TUI_HOME": str(home), "REFACT_TUI_PORT": str(port)}

    def run(self, *arguments: str, stdin: str = "", timeout: float = 300) -> tuple[int, Any, str]:
        """Exit code, parsed stdout and stderr of one verb."""
        command = [sys.executable, "-P", "-m", "refact_tui", *arguments, "--json"]
        done = subprocess.run(
            command,
            input=stdin,
            capture_output=True,
            text=True,
            timeout=timeout,
            env=self.environment,
            cwd="/",
            check=False,
        )
        return done.returncode, json.loads(done.stdout) if done.stdout.strip() else None, done.stderr

    def ok(self, *arguments: str, stdin: str = "", timeout: float = 300) -> Any:
        """The answer of a verb that must succeed."""
        code, answer, errors = self.run(*arguments, stdin=stdin, timeout=timeout)
        assert code == 0, f"{arguments}: exit {code}: {errors} {answer}"
        return answer

    def post(self, body: dict[str, Any], timeout: float = 60) -> tuple[int, str]:
        """Status and text of one completion request."""
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=timeout)
        with contextlib.closing(connection):
            connection.request("POST", "/v1/completions", json.dumps(body), {"Content-Type": "application/json"})
            answer = connection.getresponse()
            return answer.status, answer.read().decode()

    def processes(self, needle: str = "") -> list[psutil.Process]:
        """Living processes of this home whose command line carries `needle`, this one excepted."""
        found = []
        for process in psutil.process_iter():
            with contextlib.suppress(psutil.Error):
                if process.pid == os.getpid() or process.status() == psutil.STATUS_ZOMBIE:
                    continue
                mine = process.environ().get("REFACT_TUI_HOME") == str(self.home)
                if mine and needle in " ".join(process.cmdline()):
                    found.append(process)
        return found

    def engine_pid(self) -> int:
        return int(self.ok("status")["engine"]["pid"])

    def kill(self, *pids: int) -> None:
        for pid in pids:
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)

    def until(self, what: Callable[[], Any], seconds: float = 90, every: float = 0.3) -> Any:
        """The first true answer of `what`; fails the test when none comes in time."""
        end = time.monotonic() + seconds
        while time.monotonic() < end:
            if answer := what():
                return answer
            time.sleep(every)
        raise AssertionError(f"nothing came in {seconds:.0f} s")

    def close(self) -> None:
        self.run("engine", "stop", timeout=120)
        self.kill(*(process.pid for process in self.processes()))
        shutil.rmtree(self.home, ignore_errors=True)


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def sample(folder: Path) -> Path:
    """A git repository of real code: modules of a package that the starter has never seen."""
    folder.mkdir(parents=True)
    found = [
        path for path in sorted(Path(textual.__file__).parent.glob("*.py")) if 2_000 < path.stat().st_size < 40_000
    ]
    assert len(found) >= MODULES
    for path in found[:MODULES]:
        shutil.copy(path, folder / path.name)
    (folder / "logo.png").write_bytes(b"\x89PNG\r\n\x1a\n" + bytes(range(256)) * 8)
    identity = ("-c", "user.email=a@b.c", "-c", "user.name=t")
    for command in (("init", "-q", "-b", "main"), ("add", "-A"), (*identity, "commit", "-qm", "sample")):
        subprocess.run(["git", *command], cwd=folder, check=True)
    return folder


@contextlib.contextmanager
def fresh_box() -> Iterator[Box]:
    """An engine that has never seen anything; its home is short enough for a socket's path."""
    folder = Path(tempfile.mkdtemp(prefix="rt-"))
    one = Box(folder / "state", free_port())
    try:
        yield one
    finally:
        one.close()
        shutil.rmtree(folder, ignore_errors=True)
