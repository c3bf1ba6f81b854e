"""The jobs of an engine: those that need the same device run one after another, in the order they came."""

import asyncio
import logging
import time
from collections.abc import Awaitable, Callable, Iterable
from contextlib import suppress
from typing import Any

import msgspec

from backend import wire
from backend.bus import Bus
from backend.errors import NotFound, RefactError
from backend.jobs import states
from backend.jobs.states import Stopped
from backend.store.database import Database, now

log = logging.getLogger("refact.jobs")
REMEMBERED = 20
"""Ended jobs that are still listed."""
SHOW_S = 0.25
LOST = "The engine ended in the middle of it."


class JobHandle:
    """What a job's work is handed: its number, the wish that it stop, and a way to tell how far it is."""

    def __init__(self, id_: int, show: Callable[[int, dict[str, Any]], None]) -> None:
        self.id = id_
        self.stop_requested = asyncio.Event()
        self._show = show

    def progress(self, **changes: Any) -> None:
        """Set any of done, total, rate, unit, eta_s, message."""
        self._show(self.id, changes)

    def phase(self, message: str) -> None:
        """Another part of the work has begun, of which nobody knows how long it takes."""
        self.progress(message=message, done=0, total=0, rate=None, unit="", eta_s=None)


Work = Callable[[JobHandle], Awaitable[None]]


class JobQueue:
    """Submits, lists, stops and waits for jobs; their rows outlive the engine."""

    def __init__(self, db: Database, bus: Bus) -> None:
        self._db, self._bus = db, bus
        self._jobs: dict[int, wire.Job] = {}
        self._handles: dict[int, JobHandle] = {}
        self._tasks: dict[int, asyncio.Task[None]] = {}
        self._devices: dict[str, asyncio.Lock] = {}
        self._shown: dict[int, float] = {}

    async def restore(self) -> None:
        """At the engine's start: jobs that a dead engine left are failed, the newest ended ones are listed again."""
        await self._db.execute(
            "UPDATE jobs SET state = 'failed', message = ?, ended = ? WHERE state IN ('queued', 'running')",
            (LOST, now()),
        )
        rows = await self._db.fetch_all("SELECT * FROM jobs ORDER BY id DESC LIMIT ?", (REMEMBERED,))
        for row in reversed(rows):
            self._jobs[row["id"]] = wire.Job(**dict(row))

    async def submit(
        self, kind: wire.JobKind, name: str, work: Work, device: str | None = None, project: str = "default"
    ) -> wire.Job:
        """Queue work of a project; it begins at once unless it must wait for its device."""
        created = now()
        id_ = await self._db.execute(
            "INSERT INTO jobs(kind, name, state, created, project) VALUES (?, ?, 'queued', ?, ?)",
            (kind, name, created, project),
        )
        job = wire.Job(id=id_, kind=kind, name=name, state="queued", created=created, project=project)
        self._jobs[id_] = job
        handle = self._handles[id_] = JobHandle(id_, self._progress)
        self._bus.publish("job", job)
        self._tasks[id_] = asyncio.create_task(self._live(handle, work, device), name=f"{kind} {name}")
        return job

    def list(self) -> list[wire.Job]:
        """Living jobs and the last few that ended, oldest first."""
        return list(self._jobs.values())

    def get(self, id_: int) -> wire.Job | None:
        """One of those."""
        return self._jobs.get(id_)

    async def stop(self, id_: int) -> wire.Job:
        """Tell a job to stop; one that has not begun ends at once. Raises NotFound."""
        if id_ not in self._jobs:
            raise NotFound(f"There is no job {id_}.", "See `refact-tui status`.")
        if handle := self._handles.get(id_):
            handle.stop_requested.set()
            if self._jobs[id_].state == "queued":
                await self.wait(id_)
        return self._jobs[id_]

    async def wait(self, id_: int) -> wire.Job:
        """The job once it has ended. Raises NotFound."""
        if id_ not in self._jobs:
            raise NotFound(f"There is no job {id_}.")
        if task := self._tasks.get(id_):
            await asyncio.wait({task})
        return self._jobs[id_]

    async def end(self, jobs: Iterable[wire.Job]) -> None:
        """Stop those of these jobs that have not ended, and return when they have. Raises NotFound."""
        for job in jobs:
            if not states.ended(job.state):
                await self.stop(job.id)
                await self.wait(job.id)

    async def close(self) -> None:
        """The engine goes down: no job ends, all are let go of; the next engine takes them up again."""
        tasks = list(self._tasks.values())
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    async def _live(self, handle: JobHandle, work: Work, device: str | None) -> None:
        lock = self._devices.setdefault(device, asyncio.Lock()) if device else asyncio.Lock()
        try:
            if not await _turn(lock, handle.stop_requested):
                await self._end(handle.id, "stopped", "Stopped before it began.")
                return
            try:
                await self._run(handle, work)
            finally:
                lock.release()
        finally:
            self._handles.pop(handle.id, None)
            self._tasks.pop(handle.id, None)

    async def _run(self, handle: JobHandle, work: Work) -> None:
        await self._become(handle.id, "running", started=now())
        try:
            await work(handle)
        except Stopped:
            await self._end(handle.id, "stopped", "Stopped.")
        except RefactError as error:
            job = self._jobs[handle.id]
            log.error("%s %s failed: %s", job.kind, job.name, f"{error.message} {error.hint}".strip())
            await self._end(handle.id, "failed", error.message, error.hint)
        except Exception as error:
            log.exception("job %d broke", handle.id)
            await self._end(handle.id, "failed", f"It broke: {error!r}.", "The engine's log says more.")
        else:
            await self._end(handle.id, "done", "")

    async def _end(self, id_: int, state: wire.JobState, message: str | None = None, hint: str = "") -> None:
        words = {} if message is None else {"message": message}
        await self._become(id_, state, ended=now(), hint=hint, rate=None, eta_s=None, **words)
        ended = [job.id for job in self._jobs.values() if states.ended(job.state)]
        for old in ended[:-REMEMBERED]:
            del self._jobs[old]

    async def _become(self, id_: int, state: wire.JobState, **changes: Any) -> None:
        before = self._jobs[id_]
        states.check(before.state, state)
        job = self._jobs[id_] = msgspec.structs.replace(before, state=state, **changes)
        self._shown.pop(id_, None)
        await self._db.execute(
            "UPDATE jobs SET state = ?, done = ?, total = ?, unit = ?, message = ?, hint = ?, started = ?, ended = ? "
            "WHERE id = ?",
            (job.state, job.done, job.total, job.unit, job.message, job.hint, job.started, job.ended, id_),
        )
        self._bus.publish("job", job)

    def _progress(self, id_: int, changes: dict[str, Any]) -> None:
        """Remember at once, tell at most four times a second, and at once when the words change."""
        before = self._jobs[id_]
        if states.ended(before.state):
            return
        job = self._jobs[id_] = msgspec.structs.replace(before, **changes)
        due = time.monotonic() - self._shown.get(id_, 0.0) >= SHOW_S
        if due or job.message != before.message:
            self._shown[id_] = time.monotonic()
            self._bus.publish("job", job)


async def _turn(lock: asyncio.Lock, stop: asyncio.Event) -> bool:
    """Wait for the lock; False, without it, where the wish to stop came first."""
    if stop.is_set():
        return False
    taking, stopping = asyncio.create_task(lock.acquire()), asyncio.create_task(stop.wait())
    try:
        await asyncio.wait({taking, stopping}, return_when=asyncio.FIRST_COMPLETED)
        if not stop.is_set():
            return True
    except asyncio.CancelledError:
        await _give_up(taking, lock)
        raise
    finally:
        stopping.cancel()
    await _give_up(taking, lock)
    return False


async def _give_up(taking: asyncio.Task[Any], lock: asyncio.Lock) -> None:
    """Take back the wish for the lock, or the lock itself."""
    taking.cancel()
    with suppress(asyncio.CancelledError):
        if await taking:
            lock.release()
