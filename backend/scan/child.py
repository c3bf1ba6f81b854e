"""Starts the scan's own process for one stage and yields its records; the process dies with the engine."""

import asyncio
import os
from collections.abc import AsyncGenerator, AsyncIterator
from contextlib import suppress
from pathlib import Path
from typing import Any

import msgspec

from backend.context import Context
from backend.errors import RefactError
from backend.jobs.process import Child, spawn
from backend.jobs.queue import JobHandle
from backend.jobs.states import Stopped

GRACE_S = 3.0
ENVIRONMENT = {
    "OMP_WAIT_POLICY": "PASSIVE",
    "TOKENIZERS_PARALLELISM": "true",
    "GLIBC_TUNABLES": "glibc.malloc.mmap_threshold=8589934592:glibc.malloc.top_pad=67108864:glibc.malloc.hugetlb=1",
}
READ_BYTES = 1 << 16


async def records(ctx: Context, handle: JobHandle, job: dict[str, Any]) -> AsyncGenerator[dict[str, Any], None]:
    """Every record of one stage. Raises Stopped when the job is told to stop, RefactError where the process fails."""
    file = ctx.paths.scans / f"job-{handle.id}-{job['stage']}.json"
    file.write_bytes(msgspec.json.encode(job))
    log = ctx.paths.logs / "scan.log"
    environment = {**ENVIRONMENT, "OMP_NUM_THREADS": str(os.cpu_count() or 1)}
    child = await spawn(ctx.paths, "backend.scan", str(file), log=log, env=environment, stdout=asyncio.subprocess.PIPE)
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
            raise RefactError(f"The scan's process ended early ({_how(code)}).", _hint(code, log))
    finally:
        watcher.cancel()
        with suppress(asyncio.CancelledError):
            await watcher
        await child.stop(GRACE_S)
        file.unlink(missing_ok=True)


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


def _hint(code: int | None, log: Path) -> str:
    """A process that was killed says nothing; one that failed said why on its last line."""
    if code is not None and code < 0:
        return "Scan again: what it had found is kept."
    try:
        lines = log.read_text(errors="replace").splitlines()
    except OSError:
        lines = []
    return next((line.strip()[:300] for line in reversed(lines) if line.strip()), "Scan again.")
