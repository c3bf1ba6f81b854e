"""Processes of our own: spawned on a safe import path, adopted by pid and start time, stopped with grace."""

import asyncio
import ctypes
import os
import signal
import sys
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

import psutil

from backend.paths import Paths

POLL_S = 0.1
PR_SET_PDEATHSIG = 1
_libc = ctypes.CDLL(None, use_errno=True)


@dataclass
class Child:
    """A process that we started, or one that an engine before us did (then `process` is None)."""

    pid: int
    started: float
    """Clock ticks from boot to its start: with the pid it names one process for certain."""
    process: asyncio.subprocess.Process | None = None
    leads: bool = False
    """Its children do the work, and it ends when they have."""

    def alive(self) -> bool:
        """Whether it runs; a zombie does not."""
        if self.process is not None:
            return self.process.returncode is None
        return started_at(self.pid) == self.started

    async def wait(self) -> int | None:
        """Its exit status (negative: the signal); None for a process that is not our child."""
        if self.process is not None:
            return await self.process.wait()
        while self.alive():  # noqa: ASYNC110 (nobody tells of the end of a process that is not our child)
            await asyncio.sleep(POLL_S)
        return None

    def ask_to_end(self) -> None:
        """SIGTERM, to those that do the work; a leader would leave them no time to save."""
        if not self.alive():
            return
        workers = [worker.pid for worker in _children(self.pid)] if self.leads else []
        for pid in workers or [self.pid]:
            with suppress(ProcessLookupError):
                os.kill(pid, signal.SIGTERM)

    async def stop(self, grace_s: float) -> None:
        """SIGTERM, and SIGKILL for its whole group where that was not enough in `grace_s`."""
        if self.alive():
            self.ask_to_end()
            with suppress(TimeoutError):
                await asyncio.wait_for(self.wait(), grace_s)
        if self.alive():
            with suppress(ProcessLookupError):
                os.killpg(self.pid, signal.SIGKILL)
            await self.wait()


async def spawn(
    paths: Paths,
    module: str,
    *arguments: str,
    log: Path,
    env: Mapping[str, str] | None = None,
    stdin: int | None = None,
    stdout: int | None = None,
    detach: bool = False,
    nice: int = 0,
) -> Child:
    """Start `python -P -m module` in the state home, its stderr appended to `log`.

    Unless detached it is killed when we die. Raises OSError where no process can be made."""
    # torch would keep its caches in the temporary and the home folder.
    caches = {"TORCHINDUCTOR_CACHE_DIR": str(paths.cache / "torch"), "TRITON_CACHE_DIR": str(paths.cache / "triton")}
    own = {"PYTHONSAFEPATH": "1", "REFACT_TUI_HOME": str(paths.home), "HF_MODULES_CACHE": str(paths.models / ".code")}
    environment = {**os.environ, **caches, **own, **(env or {})}
    with log.open("ab") as stderr:
        process = await asyncio.create_subprocess_exec(
            sys.executable,
            "-P",
            "-m",
            module,
            *arguments,
            stdin=asyncio.subprocess.DEVNULL if stdin is None else stdin,
            stdout=stderr if stdout is None else stdout,
            stderr=stderr,
            cwd=paths.home,
            env=environment,
            start_new_session=True,
            preexec_fn=_before_exec(os.getpid(), detach, nice),
        )
    return Child(process.pid, started_at(process.pid) or 0.0, process)


def adopt(pid: int, started: float) -> Child | None:
    """The process that an engine before us started, or None where it is gone."""
    child = Child(pid, started)
    return child if child.alive() else None


def started_at(pid: int) -> float | None:
    """When a living process started, in clock ticks since boot; None where there is none, or only a zombie."""
    try:
        fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    except OSError:
        return None
    return None if fields[0] in ("Z", "X") else float(fields[19])


def _children(pid: int) -> list[psutil.Process]:
    try:
        return psutil.Process(pid).children()
    except psutil.Error:
        return []


def die_with(parent: int) -> None:
    """Have this process killed when `parent`, which forked it, dies."""
    _libc.prctl(PR_SET_PDEATHSIG, signal.SIGKILL)
    if os.getppid() != parent:  # it died before it could be asked to take us with it
        os._exit(1)


def _before_exec(parent: int, detach: bool, nice: int) -> Callable[[], None]:
    def prepare() -> None:
        if nice:
            os.nice(nice)
        if not detach:
            die_with(parent)

    return prepare
