"""Runs the two stages in their own processes and keeps what they find."""

import time
from contextlib import aclosing

import msgspec

from backend import settings
from backend.context import Context
from backend.jobs.queue import JobHandle
from backend.models.catalog import ModelInfo, as_json
from backend.scan import child, table
from backend.scan.progress import Progress
from backend.scan.table import LossKey
from backend.sources.members import Place

ATTRIBUTES = "scan.attributes"
"""Fingerprints of what each source's .gitattributes said when it was last classified."""
COMPARED = "scan.compared"
"""Fingerprint of the contents among which near-duplicates were last looked for."""


async def classify(
    ctx: Context, handle: JobHandle, scan_id: int, places: list[Place], reuse: bool, total: int, progress: Progress
) -> list[str]:
    """Stage 1 over all sources; returns sentences about sources that failed. What such a source had before stays."""
    notes: list[str] = []
    names = {place.id: place.name for place in places}
    job = {
        "stage": 1,
        "state": str(ctx.paths.database),
        "content": str(ctx.paths.content),
        "places": [msgspec.to_builtins(place) for place in places],
        "reuse": reuse,
        "attributes": (said := await settings.get(ctx.db, ATTRIBUTES) or {}),
    }
    async with aclosing(child.records(ctx, handle, job)) as records:
        async for record in records:
            if record["kind"] == "files":
                await table.write_files(ctx, scan_id, record["source"], record["rows"])
                progress.classified([row[5] for row in record["rows"]], total)
            elif record["kind"] == "read":
                await table.forget_unseen(ctx, scan_id, record["source"])
                said = {**said, str(record["source"]): record["attributes"]}
                await settings.set(ctx.db, ATTRIBUTES, said)
            elif record["kind"] == "failed":
                notes.append(f"{names[record['source']]}: {record['message']}")
    return notes


async def compare(ctx: Context, handle: JobHandle) -> None:
    """Between the stages: near-duplicates, looked for again only where the contents are others than last time."""
    job = {
        "stage": "near",
        "state": str(ctx.paths.database),
        "content": str(ctx.paths.content),
        "before": await settings.get(ctx.db, ctx.setting(COMPARED)) or "",
        "project": ctx.project,
    }
    handle.phase("looking for near-duplicates")
    fingerprint = ""
    async with aclosing(child.records(ctx, handle, job)) as records:
        async for record in records:
            if record["kind"] == "begin":
                fingerprint = record["fingerprint"]
                await settings.set(ctx.db, ctx.setting(COMPARED), "")
                await ctx.db.execute("DELETE FROM near WHERE project_id = ?", (ctx.project,))
            elif record["kind"] == "near":
                await table.write_near(ctx, record["rows"])
    if fingerprint:
        await settings.set(ctx.db, ctx.setting(COMPARED), fingerprint)


async def score(ctx: Context, handle: JobHandle, info: ModelInfo, key: LossKey, progress: Progress) -> None:
    """Stage 2 over every accepted content without a loss; nothing is started where there is none."""
    wanted = [(sha, size) for sha, size in await table.unscored(ctx, key) if size > 0]
    if not wanted:
        return
    items = ctx.paths.scans / f"items-{handle.id}.json"
    items.write_bytes(msgspec.json.encode(wanted))
    total_bytes, done, done_bytes = sum(size for _, size in wanted), 0, 0
    job = {
        "stage": 2,
        "state": str(ctx.paths.database),
        "content": str(ctx.paths.content),
        "items": str(items),
        "model": as_json(info),
        "context": key.context,
    }
    handle.progress(done=0, total=len(wanted), unit="files", message=f"loading {key.model}")
    begun = time.monotonic()
    try:
        async with aclosing(child.records(ctx, handle, job)) as records:
            async for record in records:
                if record["kind"] == "loaded":
                    begun = time.monotonic()
                elif record["kind"] == "losses":
                    await table.write_losses(ctx, key, record["rows"])
                    done, done_bytes = done + len(record["rows"]), done_bytes + record["bytes"]
                    progress.scored(done, len(wanted), done_bytes, total_bytes, begun)
    finally:
        items.unlink(missing_ok=True)
