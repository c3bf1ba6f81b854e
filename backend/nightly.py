"""Every night: sync the sources, scan, train on what is new, and serve the outcome only if it is better."""

import asyncio
import logging
import sqlite3
from collections.abc import Awaitable, Callable
from datetime import datetime, time, timedelta

import msgspec

from backend import settings, wire
from backend.context import Context
from backend.errors import BadRequest, RefactError
from backend.jobs.queue import JobHandle
from backend.jobs.states import Stopped
from backend.scan import run as scans
from backend.sources import catalog as sources
from backend.train import made
from backend.train import run as runs

log = logging.getLogger("refact.nightly")
NAME = "train.schedule"
POLL_S = 20.0
SHORTEST_MINUTES, LONGEST_MINUTES = 0.1, 24 * 60.0


async def get(ctx: Context) -> wire.Schedule:
    """The project's schedule, with when it is next due."""
    found = msgspec.convert(await settings.get(ctx.db, ctx.setting(NAME)) or {}, wire.Schedule)
    due = next_at(found.at, datetime.now().astimezone()) if found.at else None
    return msgspec.structs.replace(found, next=due.isoformat(timespec="seconds") if due else None)


async def put(ctx: Context, wanted: wire.Schedule) -> wire.Schedule:
    """Keep it; an empty `at` turns it off. Raises BadRequest for a time or a length that is none."""
    if wanted.at:
        clock(wanted.at)
    if not SHORTEST_MINUTES <= wanted.minutes <= LONGEST_MINUTES:
        raise BadRequest(f"{wanted.minutes:g} minutes cannot be trained; {SHORTEST_MINUTES} to {LONGEST_MINUTES} can.")
    kept = msgspec.structs.replace(wanted, next=None, last=(await get(ctx)).last)
    await settings.set(ctx.db, ctx.setting(NAME), msgspec.to_builtins(kept))
    return await get(ctx)


def clock(text: str) -> tuple[int, int]:
    """Hour and minute of `HH:MM`. Raises BadRequest."""
    try:
        found = time.fromisoformat(text)
    except ValueError:
        found = None
    if found is None or len(text) != len("02:00"):
        raise BadRequest(f"{text!r} is no time of day.", "Write it as 02:00.")
    return found.hour, found.minute


def next_at(at: str, now: datetime) -> datetime:
    """The first moment after `now` at which a clock on the wall shows `at`."""
    hour, minute = clock(at)
    due = now.replace(hour=hour, minute=minute, second=0, microsecond=0)
    return due if due > now else due + timedelta(days=1)


async def watch(ctx: Context) -> None:
    """Start each project's night when it is due, until cancelled; a night that the engine slept through is left out."""
    seen = datetime.now().astimezone()
    while True:
        await asyncio.sleep(POLL_S)
        now = datetime.now().astimezone()
        for project in list(ctx.projects.names):
            try:
                await _start_when_due(ctx.inside(project), seen, now)
            except (RefactError, OSError, sqlite3.Error):
                log.exception("the night of project %d did not begin", project)
        seen = now


async def _start_when_due(ctx: Context, seen: datetime, now: datetime) -> None:
    schedule = await get(ctx)
    if schedule.at and seen < next_at(schedule.at, seen) <= now:
        await start(ctx)


async def start(ctx: Context) -> wire.Job:
    """Begin a night now; one that is under way goes on."""
    for job in ctx.jobs.list():
        if job.kind == "night" and job.project == ctx.project_name and job.state in {"queued", "running"}:
            return job
    return await ctx.jobs.submit("night", "night", _working(ctx.pinned()), project=ctx.project_name)


def _working(ctx: Context) -> Callable[[JobHandle], Awaitable[None]]:
    async def work(handle: JobHandle) -> None:
        try:
            told = await _night(ctx, handle)
        except RefactError as error:
            told = f"{error.message} {error.hint}".strip()
            await _remember(ctx, told)
            raise
        await _remember(ctx, told)
        handle.progress(message=told)
        log.info("night of %s: %s", ctx.project_name, told)

    return work


async def _remember(ctx: Context, told: str) -> None:
    schedule = msgspec.structs.replace(await get(ctx), next=None, last=told)
    await settings.set(ctx.db, ctx.setting(NAME), msgspec.to_builtins(schedule))


async def _night(ctx: Context, handle: JobHandle) -> str:
    """What came of it, in words. Raises RefactError where the scan or the run fails, Stopped."""
    handle.progress(message="syncing the sources")
    for source in await sources.list_sources(ctx):
        synced = await sources.sync(ctx, source.name)
        await _ended(ctx, handle, synced.job)
    handle.progress(message="scanning")
    scan = await scans.start(ctx, wire.StartScan())
    await _ended(ctx, handle, scan.job)
    schedule = await get(ctx)
    parent = await _newest(ctx)
    request = wire.StartRun(
        minutes=schedule.minutes, continue_from=parent, new_only=parent is not None, only_if_better=True
    )
    try:
        run = await runs.start(ctx, request)
    except BadRequest as error:
        return f"Nothing was trained. {error.message}"
    handle.progress(message=f"training {run.run}")
    await _ended(ctx, handle, run.job)
    done = await runs.get(ctx, run.run)
    if done.state != "done":
        raise RefactError(done.reason or f"The run {done.run} {done.state}.", f"`refact-tui train show {done.run}`")
    return f"{done.run} was trained and is {'not better, so not served' if done.held_back else 'better'}."


async def _newest(ctx: Context) -> str | None:
    """The checkpoint to go on from: the best of the newest run of the project that is fit to be served."""
    for run in await runs.list_runs(ctx):
        if run.state == "done" and run.best_checkpoint and not run.held_back:
            points = await made.list_checkpoints(ctx)
            return next((one.id for one in points if one.id == run.best_checkpoint), None)
    return None


async def _ended(ctx: Context, handle: JobHandle, job: int | None) -> None:
    """Wait for a job; where the night is stopped, so is the job. Raises Stopped, RefactError where a scan failed."""
    if job is None:
        return
    waiting, told = asyncio.create_task(ctx.jobs.wait(job)), asyncio.create_task(handle.stop_requested.wait())
    try:
        await asyncio.wait({waiting, told}, return_when=asyncio.FIRST_COMPLETED)
        if not waiting.done():
            await ctx.jobs.stop(job)
            raise Stopped
    finally:
        told.cancel()
        waiting.cancel()
    ended = ctx.jobs.get(job)
    if ended and ended.kind == "scan" and ended.state == "failed":
        raise RefactError(ended.message, ended.hint)
