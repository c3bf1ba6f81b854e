"""Starts the engine where none answers, in a session of its own or by systemd where a unit of ours keeps it, and waits
until it does; standard library only."""

import fcntl
import os
import re
import socket
import subprocess
import sys
import time
from collections.abc import Sequence
from pathlib import Path

from backend.paths import Paths
from refact_tui import systemd

PATIENCE_S = 30.0
LARGEST_LOG = 5_000_000
COMMAND = (sys.executable, "-P", "-m", "backend")
SILENT = "The engine ended without a word."
STAMP = re.compile(r"^\S+ (?:INFO|WARNING|ERROR|CRITICAL) ")


class LaunchError(Exception):
    """The engine could not be started: a sentence, and what to do."""

    def __init__(self, message: str, hint: str = "") -> None:
        super().__init__(message)
        self.message, self.hint = message, hint


def answers(paths: Paths) -> bool:
    """Whether an engine listens on the home's socket."""
    with socket.socket(socket.AF_UNIX) as probe:
        probe.settimeout(2.0)
        try:
            probe.connect(str(paths.socket))
        except OSError:
            return False
    return True


def ensure_engine(paths: Paths, told: Sequence[str] = ()) -> bool:
    """Returns once an engine answers; True where it had to be started, with the arguments `told`.

    Raises LaunchError in the engine's words."""
    if answers(paths):
        return False
    try:
        paths.prepare()
        if not told and systemd.keeps(paths) and _by_systemd(paths):
            return True
        _rotate(paths.engine_log)
        process, begun = _start(paths, told)
    except OSError as error:
        raise LaunchError(
            f"The state folder {paths.home} cannot be used: {error.strerror or error}.",
            "Free some space, or set REFACT_TUI_HOME to a folder of yours.",
        ) from error
    end = time.monotonic() + PATIENCE_S
    while time.monotonic() < end:
        if answers(paths):
            return True
        if process.poll() is not None:
            if answers(paths):  # somebody else was faster
                return False
            raise LaunchError(_last_words(paths.engine_log, begun), f"Its log: {paths.engine_log}")
        time.sleep(0.02)
    raise LaunchError(f"The engine does not answer after {PATIENCE_S:.0f} s.", f"Look into its log: {paths.engine_log}")


def _by_systemd(paths: Paths) -> bool:
    """Whether systemd has started it and it answers; False where systemd cannot be asked.

    Raises LaunchError in the engine's words, OSError where its log cannot be read."""
    log = paths.engine_log
    begun = log.stat().st_size if log.exists() else 0
    if not systemd.start():
        return False
    end = time.monotonic() + PATIENCE_S
    while time.monotonic() < end:
        if answers(paths):
            return True
        if systemd.failing():
            words = _last_words(log, begun) if log.exists() else SILENT
            raise LaunchError(words, "What systemd knows: journalctl --user -u refact-tui")
        time.sleep(0.1)
    raise LaunchError(f"The engine does not answer after {PATIENCE_S:.0f} s.", f"Look into its log: {log}")


def gone(paths: Paths, patience_s: float) -> bool:
    """Wait until no engine holds the home's lock; False when one still does after this many seconds."""
    end = time.monotonic() + patience_s
    while True:
        try:
            with paths.lock.open("rb+") as lock:
                fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            return True
        except FileNotFoundError:
            return True
        except BlockingIOError:
            if time.monotonic() > end:
                return False
            time.sleep(0.05)


def ended(pid: int, patience_s: float) -> bool:
    """Wait until a process is no more than a name; the lock is given back a little before."""
    end = time.monotonic() + patience_s
    while _alive(pid):
        if time.monotonic() > end:
            return False
        time.sleep(0.02)
    return True


def _alive(pid: int) -> bool:
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] not in ("Z", "X")
    except OSError:
        return False


def _start(paths: Paths, told: Sequence[str]) -> tuple[subprocess.Popen[bytes], int]:
    """The process, and where in the log its own words begin."""
    environment = {**os.environ, "PYTHONSAFEPATH": "1", "REFACT_TUI_HOME": str(paths.home)}
    with paths.engine_log.open("ab") as log:
        begun = log.tell()
        process = subprocess.Popen(
            [*COMMAND, *told],
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=log,
            cwd=paths.home,
            env=environment,
            start_new_session=True,
        )
    return process, begun


def _rotate(log: Path) -> None:
    if log.exists() and log.stat().st_size > LARGEST_LOG:
        log.replace(log.with_suffix(".log.1"))


def _last_words(log: Path, begun: int) -> str:
    with log.open("rb") as file:
        file.seek(begun)
        lines = [line for line in file.read().decode(errors="replace").splitlines() if line.strip()]
    return STAMP.sub("", lines[-1]) if lines else SILENT
