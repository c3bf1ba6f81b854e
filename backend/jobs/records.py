"""A job's own process for one task: told what to do by a file, it tells what it finds in records on its stdout."""

import asyncio
from collections.abc import AsyncGenerator, AsyncIterator, Mapping
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import msgspec

from backend.errors import RefactError
from backend.jobs.process import Child, spawn
from backend.jobs.queue import JobHandle
from backend.jobs.states import Stopped
from backend.paths import Paths

GRACE_S = 3.0
READ_BYTES = 1 << 16


@dataclass(frozen=True)
class Task:
    """One process: its module, the file that tells it what to do, where its stderr goes, and how people call it."""

    module: str
    file: Path
    log: Path
    name: str
    """E.g. "The scan's process"."""
    again: str
    """What to do after it was killed."""
    env: Mapping[str, str]


async def records(paths: Paths, handle: JobHandle, task: Task, job: Any) -> AsyncGenerator[dict[str, Any], None]:
    """Every record; the process dies with the engine.

    Raises Stopped when the job is told to stop, RefactError where the process fails or says so."""
    task.file.write_bytes(msgspec.json.encode(job))
    arguments = str(task.file)
    child = await spawn(paths, task.module, arguments, log=task.log, env=task.env, stdout=asyncio.subprocess.PIPE)
    watcher = asyncio.create_task(_stop_when_told(handle, child))
    ended = False
    try:
        async for record in _lines(child):
            if record["kind"] == "error":
                raise RefactError(record["message"], record["hint"])
            if record["kind"] == "end":
                ended = True
            else:
                yield record
        code = await child.wait()
        if handle.stop_requested.is_set():
            raise Stopped
        if not ended:
            raise RefactError(f"{task.name} ended early ({_how(code)}).", _hint(code, task))
    finally:
        watcher.cancel()
        with suppress(asyncio.CancelledError):
            await watcher
        await child.stop(GRACE_S)
        task.file.unlink(missing_ok=True)


async def _stop_when_told(handle: JobHandle, child: Child) -> None:
    await handle.stop_requested.wait()
    await child.stop(GRACE_S)


async def _lines(child: Child) -> AsyncIterator[dict[str, Any]]:
    """Records as they come; lines may be of any length, so the stream's own limit does not serve."""
    assert child.process is not None and child.process.stdout is not None
    rest = b""
    while piece := await child.process.stdout.read(READ_BYTES):
        *lines, rest = (rest + piece).split(b"\n") if b"\n" in piece else (rest + piece,)
        for line in lines:
            yield msgspec.json.decode(line)


def _how(code: int | None) -> str:
    if code is None or code >= 0:
        return f"status {code}"
    return "killed, perhaps for want of memory" if code == -9 else f"signal {-code}"


def _hint(code: int | None, task: Task) -> str:
    """A process that was killed says nothing; one that failed said why on its last line."""
    if code is not None and code < 0:
        return task.again
    try:
        lines = task.log.read_text(errors="replace").splitlines()
    except OSError:
        lines = []
    return next((line.strip()[:300] for line in reversed(lines) if line.strip()), task.again)
