"""The job that reads a source: fetch it where it is git, list it, and keep the snapshot."""

import asyncio
import json
import sqlite3
import time
from collections.abc import Awaitable, Callable
from contextlib import suppress
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from backend import settings
from backend.context import Context
from backend.errors import RefactError
from backend.jobs.states import Stopped
from backend.sources import credentials, git, history, hosts, link, records, redirects
from backend.sources.fetch import fetch
from backend.sources.members import Place, refusals, safe_text
from backend.sources.stream import snapshot
from backend.store.database import now

if TYPE_CHECKING:
    from backend.jobs.queue import JobHandle


ALLOW_PRIVATE = "sources.allow_private"
"""Setting: links may lead to addresses of this network."""


def reading(ctx: Context, name: str) -> Callable[["JobHandle"], Awaitable[None]]:
    """The work of one source job."""

    async def work(handle: "JobHandle") -> None:
        row = await records.row_of(ctx, name)
        await records.change(ctx, row["id"], state="reading", detail="")
        await records.publish(ctx, name)
        try:
            await _until_stopped(handle, _read(ctx, row, handle))
        except Exception as error:
            # Nothing is lost by a failure: the snapshot and the files of before stay.
            await records.change(ctx, row["id"], state="failed", detail=_why(error))
            await records.publish(ctx, name)
            if isinstance(error, OSError):
                raise RefactError(_why(error), "Check the disk and the permissions, then sync the source.") from error
            raise
        await records.publish(ctx, name)

    return work


def _why(error: Exception) -> str:
    if isinstance(error, Stopped):
        return "Stopped before it was read; sync the source to read it."
    if isinstance(error, RefactError):
        return f"{error.message} {error.hint}".strip()
    return f"It could not be read: {safe_text(getattr(error, 'strerror', None) or repr(error))}."


async def _until_stopped(handle: "JobHandle", work: Awaitable[None]) -> None:
    """Run `work`, ending it where the job is told to stop. Raises Stopped then."""
    task = asyncio.ensure_future(work)
    stop = asyncio.create_task(handle.stop_requested.wait())
    try:
        await asyncio.wait({task, stop}, return_when=asyncio.FIRST_COMPLETED)
        if not task.done():
            raise Stopped
        await task
    finally:
        for one in (task, stop):
            if not one.done():
                one.cancel()
                with suppress(asyncio.CancelledError):
                    await one


async def _read(ctx: Context, row: sqlite3.Row, handle: "JobHandle") -> None:
    place, missing = records.place_of(ctx, row), ""
    if place.kind == "git":
        own = await asyncio.to_thread(credentials.git_environment, ctx.paths, row["credential"])
        wanted = await _settled(ctx, row), row["branch"]
        try:
            await fetch(Path(place.clone), *wanted, _teller(handle, "git"), own)
        finally:
            await _pinned(ctx, row)
        commit = await asyncio.to_thread(git.head, place.clone)
        place = replace(place, commit=commit)
        missing = await history.bring(Path(place.clone), commit, *wanted, _teller(handle, "git, history"), own)
    elif records.linked(row):
        allowed = bool(await settings.get(ctx.db, ALLOW_PRIVATE))
        await link.download(row["location"], Path(place.location), allowed, _bytes_teller(handle))
    handle.phase("listing files")
    found = await asyncio.to_thread(snapshot, place)
    news = await _news(place, row["commit_sha"])
    empty = "" if found.files else "It has no files."
    async with ctx.db.transaction() as change:
        number = await change.execute(
            "INSERT INTO snapshots(source_id, taken, fingerprint, commit_sha, files, bytes, refused) "
            "VALUES (?, ?, ?, ?, ?, ?, ?)",
            (
                place.id,
                now(),
                found.fingerprint,
                place.commit,
                found.files,
                found.bytes,
                json.dumps(dict(found.refused)),
            ),
        )
        await change.execute(
            "UPDATE sources SET state = 'ready', commit_sha = ?, snapshot_id = ?, synced = ?, detail = ? WHERE id = ?",
            (
                place.commit,
                number,
                now(),
                "; ".join(filter(None, [news, refusals(found.refused), empty, missing])),
                place.id,
            ),
        )
    handle.progress(done=found.files, total=found.files, unit="files", message=f"{found.files} files")


async def _settled(ctx: Context, row: sqlite3.Row) -> str:
    """The address of a repository, or the one that its server redirects to."""
    location: str = row["location"]
    if not location.startswith("https://"):
        return location
    allowed = bool(await settings.get(ctx.db, ALLOW_PRIVATE))
    return await redirects.settle(location, allowed, bool(row["credential"]))


async def _pinned(ctx: Context, row: sqlite3.Row) -> None:
    """Keep what ssh has pinned, also where the server then let us not in."""
    if host := hosts.host_of(row["location"]):
        pinned = await asyncio.to_thread(hosts.fingerprint, ctx.paths, host)
        if pinned != (row["host_key"] or ""):
            await records.change(ctx, row["id"], host_key=pinned)
            await credentials.publish(ctx)


async def _news(place: Place, before: str | None) -> str:
    """What a sync has brought, in words; empty at the first time."""
    if not before or not place.commit:
        return ""
    if before == place.commit:
        return "nothing new"
    found = await asyncio.to_thread(git.changes, place.clone, before, place.commit)
    parts = [f"{found[what]} {what}" for what in ("added", "changed", "removed") if found[what]]
    return f"since {before[:7]}: {', '.join(parts)}" if parts else ""


def _bytes_teller(handle: "JobHandle") -> Callable[[int, int], None]:
    """Turns bytes that come into progress with rate and time left, in kilobytes."""
    began = time.monotonic()

    def tell(done: int, total: int) -> None:
        spent = time.monotonic() - began
        rate = done / 1024 / spent if spent > 0.5 else None
        eta = (total - done) / 1024 / rate if rate and total else None
        handle.progress(
            done=done // 1024, total=max(total, done) // 1024, rate=rate, unit="KB", eta_s=eta, message="downloading"
        )

    return tell


def _teller(handle: "JobHandle", what: str) -> Callable[[str, int, int], None]:
    """Turns git's counts into progress with rate and time left; each of git's phases counts anew."""
    began: dict[str, float] = {}

    def tell(phase: str, done: int, total: int) -> None:
        start = began.setdefault(phase, time.monotonic())
        spent = time.monotonic() - start
        rate = done / spent if spent > 0.5 else None
        eta = (total - done) / rate if rate else None
        handle.progress(done=done, total=total, rate=rate, unit="objects", eta_s=eta, message=f"{what}: {phase}")

    return tell
