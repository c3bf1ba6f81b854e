"""The rows of the table `sources`, and how they cross the wire."""

import re
import sqlite3
from pathlib import Path
from urllib.parse import urlsplit

from backend import wire
from backend.context import Context
from backend.errors import NotFound
from backend.sources.members import Place

SELECT = (
    "SELECT s.*, (SELECT files FROM snapshots WHERE id = s.snapshot_id) AS members, "
    "(SELECT COUNT(*) FROM files f WHERE f.source_id = s.id AND f.verdict = 'accepted') AS accepted, "
    "EXISTS(SELECT 1 FROM files f WHERE f.source_id = s.id AND f.verdict IS NOT NULL) AS scanned FROM sources s "
)
CHANGEABLE = {"host_key", "state", "detail", "commit_sha", "snapshot_id", "synced", "set_name"}


async def rows(ctx: Context) -> list[sqlite3.Row]:
    """All sources of the project in the order they were added."""
    return list(await ctx.db.fetch_all(SELECT + "WHERE s.project_id = ? ORDER BY s.id", (ctx.project,)))


async def row_of(ctx: Context, name: str) -> sqlite3.Row:
    """One source. Raises NotFound, naming those that exist."""
    row: sqlite3.Row | None = await ctx.db.fetch_one(
        SELECT + "WHERE s.project_id = ? AND s.name = ?", (ctx.project, name)
    )
    if row is None:
        known = ", ".join(str(one["name"]) for one in await rows(ctx)) or "none yet"
        raise NotFound(f"There is no source called {name!r}.", f"Sources: {known}.")
    return row


async def change(ctx: Context, source_id: int, **values: object) -> None:
    """Set columns of one source."""
    assert set(values) <= CHANGEABLE
    names = ", ".join(f"{name} = ?" for name in values)
    await ctx.db.execute(f"UPDATE sources SET {names} WHERE id = ?", (*values.values(), source_id))


def to_wire(ctx: Context, row: sqlite3.Row) -> wire.Source:
    """A row of the table as it crosses the socket."""
    return wire.Source(
        id=row["id"],
        name=row["name"],
        kind=row["kind"],
        set=row["set_name"],
        state=row["state"],
        files=row["members"],
        commit=row["commit_sha"],
        location=row["location"],
        branch=row["branch"],
        subfolder=row["subfolder"],
        credential=row["credential"],
        host_key=row["host_key"] or "",
        accepted=row["accepted"] if row["scanned"] else None,
        added=row["added"],
        synced=row["synced"],
        detail=row["detail"] or "",
        job=newest_job(ctx, row["name"]),
    )


def jobs_of(ctx: Context, name: str) -> list[wire.Job]:
    """Jobs that read this source, of those that the queue remembers."""
    wanted = ("source", name, ctx.project_name)
    return [job for job in ctx.jobs.list() if (job.kind, job.name, job.project) == wanted]


def newest_job(ctx: Context, name: str) -> int | None:
    """The job that last read this source, while the queue remembers it."""
    return max((job.id for job in jobs_of(ctx, name)), default=None)


async def publish(ctx: Context, name: str) -> wire.Source:
    """Tell every client how the source stands now."""
    source = to_wire(ctx, await row_of(ctx, name))
    ctx.tell("source", source)
    return source


def linked(row: sqlite3.Row) -> bool:
    """Whether it is a file or archive that is fetched by https."""
    return row["kind"] != "git" and str(row["location"]).startswith("https://")


def fetched(ctx: Context, row: sqlite3.Row) -> Path:
    """Where such a file lies once it was fetched; its own name matters to its kind, so it is kept, made safe."""
    last = urlsplit(row["location"]).path.rsplit("/", 1)[-1]
    return ctx.paths.downloads / str(row["id"]) / (re.sub(r"[^A-Za-z0-9_.+-]+", "-", last)[-100:].strip("-.") or "file")


def place_of(ctx: Context, row: sqlite3.Row) -> Place:
    """The source as a reader needs it."""
    return Place(
        id=row["id"],
        name=row["name"],
        kind=row["kind"],
        location=str(fetched(ctx, row)) if linked(row) else row["location"],
        set=row["set_name"],
        subfolder=row["subfolder"],
        commit=row["commit_sha"],
        clone=str(ctx.paths.sources / f"{row['id']}.git"),
    )
