"""The scan as the engine offers it: one job that judges every file of every source, in two stages."""

import asyncio
import time
from collections import Counter
from collections.abc import Awaitable, Callable
from typing import Any

import msgspec

from backend import settings, wire
from backend.context import Context
from backend.errors import BadRequest, Conflict, RefactError
from backend.jobs.queue import JobHandle
from backend.jobs.states import Stopped
from backend.models import catalog as models
from backend.models.catalog import ModelInfo
from backend.scan import judging, logs, table
from backend.scan.progress import Progress
from backend.scan.rules import RULES_VERSION
from backend.scan.stages import classify, compare, score
from backend.scan.summary import counted
from backend.scan.table import LossKey
from backend.sources import catalog as sources
from backend.store.database import now

LIVING = ("queued", "running")


async def start(ctx: Context, request: wire.StartScan) -> wire.Scan:
    """Queue a scan; one that is under way goes on. Raises BadRequest without sources, NotFound for an unknown model."""
    info = models.get(ctx, request.model or models.STARTER) if request.stage == 2 else None
    if not await sources.list_sources(ctx):
        raise BadRequest("There are no sources to scan.", "Add one: `refact-tui sources add WHAT`.")
    running = await current(ctx)
    if running and alive(ctx, running):
        if (running.stage, running.model) == (request.stage, info.name if info else ""):
            return running
        raise Conflict("A scan is under way.", "Wait for it, or stop its job.")
    number = await ctx.db.execute(
        "INSERT INTO scans(project_id, state, stage, model, threshold, files, accepted, rejected, detail, elapsed_s) "
        "VALUES (?, 'queued', ?, ?, ?, 0, 0, 0, '', 0)",
        (ctx.project, request.stage, info.name if info else "", info.loss_threshold if info else 0.0),
    )
    return await _submit(ctx, number, request.stage, info)


def alive(ctx: Context, scan: wire.Scan) -> bool:
    """Whether it is under way; a job that was stopped before its turn never tells its scan."""
    job = ctx.jobs.get(scan.job) if scan.state in LIVING and scan.job is not None else None
    return job is not None and job.state in LIVING


async def current(ctx: Context) -> wire.Scan | None:
    """The newest scan of the project, or None before the first."""
    row = await ctx.db.fetch_one(
        "SELECT summary FROM scans WHERE project_id = ? AND summary IS NOT NULL ORDER BY id DESC LIMIT 1",
        (ctx.project,),
    )
    return msgspec.json.decode(row["summary"], type=wire.Scan) if row else None


async def rejudge(ctx: Context) -> wire.Scan | None:
    """Apply masks, switches and threshold anew to what the newest scan has found; None before the first.

    Where that brings in files that the model has never read, a scan is queued, which reads only those."""
    scan = await current(ctx)
    if scan is None or alive(ctx, scan):
        return scan
    info = models.get(ctx, scan.model) if scan.stage == 2 else None
    key = _key(info)
    rule = await judging.policy(ctx, info)
    await judging.judge_all(ctx, rule, key, final=False)
    if key and any(size for _, size in await table.unscored(ctx, key)):
        return await start(ctx, wire.StartScan(stage=2, model=scan.model))
    if key:
        await judging.judge_all(ctx, rule, key, final=True)
    by = await judging.divide(ctx, key)
    logs.write_at_a_pause(ctx)
    return await _show(ctx, await counted(ctx, scan, rule, [], by))


def _key(info: ModelInfo | None) -> LossKey | None:
    return LossKey(info.name, min(info.context, table.LONGEST_CONTEXT)) if info else None


async def recover(ctx: Context) -> None:
    """At the engine's start: a scan that was under way is started again; what it had found makes that quick."""
    rows = await ctx.db.fetch_all(
        "SELECT id, project_id, stage, model FROM scans WHERE state IN ('queued', 'running') ORDER BY id"
    )
    for row in rows:
        try:
            info = models.get(ctx, row["model"]) if row["stage"] == 2 else None
        except RefactError as error:
            await ctx.db.execute(
                "UPDATE scans SET state = 'failed', detail = ? WHERE id = ?", (error.message, row["id"])
            )
            continue
        await _submit(ctx.inside(row["project_id"]), row["id"], row["stage"], info)


async def _submit(ctx: Context, number: int, stage: int, info: ModelInfo | None) -> wire.Scan:
    scan = wire.Scan(
        id=number,
        state="queued",
        stage=stage,
        files=0,
        accepted=0,
        rejected=0,
        reasons={},
        languages={},
        train=0,
        test=0,
        elapsed_s=0.0,
        threshold=info.loss_threshold if info else 0.0,
        model=info.name if info else "",
    )
    await _keep(ctx, scan)
    job = await ctx.jobs.submit("scan", "scan", _working(ctx.pinned(), scan, info), "compute", ctx.project_name)
    stored = await current(ctx)
    # The job may have begun already; what it has told is newer than what is known here.
    newest = stored if stored and stored.id == number and stored.job is not None else scan
    return await _show(ctx, msgspec.structs.replace(newest, job=job.id))


async def _keep(ctx: Context, scan: wire.Scan) -> None:
    await ctx.db.execute(
        "UPDATE scans SET state = ?, files = ?, accepted = ?, rejected = ?, threshold = ?, detail = ?, elapsed_s = ?, "
        "summary = ?, started = COALESCE(started, ?), ended = ? WHERE id = ?",
        (
            scan.state,
            scan.files,
            scan.accepted,
            scan.rejected,
            scan.threshold,
            scan.detail,
            scan.elapsed_s,
            msgspec.json.encode(scan).decode(),
            now() if scan.state == "running" else None,
            scan.ended,
            scan.id,
        ),
    )


async def _show(ctx: Context, scan: wire.Scan) -> wire.Scan:
    await _keep(ctx, scan)
    ctx.tell("scan", scan)
    return scan


def _working(ctx: Context, scan: wire.Scan, info: ModelInfo | None) -> Callable[[JobHandle], Awaitable[None]]:
    async def work(handle: JobHandle) -> None:
        begun = time.monotonic()
        running = msgspec.structs.replace(scan, state="running", job=handle.id)
        await _show(ctx, running)
        try:
            done = await _scan(ctx, handle, running, info)
        except (RefactError, Stopped) as error:
            ending: dict[str, Any] = {"state": "stopped", "detail": "Stopped; what it had found is kept."}
            if isinstance(error, RefactError):
                ending = {"state": "failed", "detail": f"{error.message} {error.hint}".strip()}
            await _end(ctx, running, begun, **ending)
            raise
        await logs.write(ctx)
        await _end(ctx, done, begun, state="done")
        await sources.publish_all(ctx)

    return work


async def _end(ctx: Context, scan: wire.Scan, begun: float, **changes: Any) -> None:
    elapsed = round(time.monotonic() - begun, 2)
    await _show(ctx, msgspec.structs.replace(scan, elapsed_s=elapsed, ended=now(), **changes))


async def _scan(ctx: Context, handle: JobHandle, scan: wire.Scan, info: ModelInfo | None) -> wire.Scan:
    await _wait_for_sources(ctx, handle)
    places = await sources.places(ctx)
    notes = [
        f"The source {one.name} could not be read." for one in await sources.list_sources(ctx) if one.state == "failed"
    ]
    total = sum(one.files or 0 for one in await sources.list_sources(ctx))
    progress = Progress(ctx, handle, scan)
    reuse = await settings.get(ctx.db, ctx.setting("scan.rules")) == RULES_VERSION
    notes += await classify(ctx, handle, scan.id, places, reuse, total, progress)
    await settings.set(ctx.db, ctx.setting("scan.rules"), RULES_VERSION)
    await compare(ctx, handle)
    key = _key(info)
    rule = await judging.policy(ctx, info)
    handle.phase("applying masks, switches and duplicates")
    await judging.judge_all(ctx, rule, key, final=False)
    if key and info:
        middle = await counted(ctx, scan, rule, notes)
        progress.show(middle)
        await score(ctx, handle, info, key, progress)
        handle.phase("applying the loss threshold")
        await judging.judge_all(ctx, rule, key, final=True)
    by = await judging.divide(ctx, key)
    return await counted(ctx, scan, rule, notes, by)


async def _wait_for_sources(ctx: Context, handle: JobHandle) -> None:
    """Sources that are being read now belong to the scan. Raises Stopped, or RefactError where none can be read."""
    while busy := await sources.busy(ctx):
        handle.progress(message=f"waiting for {', '.join(busy)}")
        try:
            await asyncio.wait_for(handle.stop_requested.wait(), 0.2)
        except TimeoutError:
            continue
        raise Stopped
    states = Counter(one.state for one in await sources.list_sources(ctx))
    if states and not states["ready"]:
        raise RefactError(
            "None of the sources could be read.", "Look at why with `refact-tui sources list`, then sync them."
        )
