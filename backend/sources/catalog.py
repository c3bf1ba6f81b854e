"""The sources as the engine offers them: add, list, sync, and read again what a dead engine left half read."""

import asyncio
import sqlite3

from backend import wire
from backend.context import Context
from backend.errors import BadRequest, Conflict
from backend.sources import credentials, records
from backend.sources.members import Place
from backend.sources.read import reading
from backend.sources.recognise import Recognised, check_branch, check_name, check_subfolder, recognise
from backend.store.database import now

SETS = ("auto", "train", "test")


async def understand(ctx: Context, what: str) -> wire.Understood:
    """What `what` would be added as. Raises BadRequest for what cannot be added."""
    found = await asyncio.to_thread(recognise, what)
    return wire.Understood(kind=found.kind, name=found.name, location=found.location, sentence=found.sentence)


async def add(ctx: Context, request: wire.AddSource) -> wire.Source:
    """Record a source and begin to read it. Raises BadRequest for what cannot be added, Conflict for a taken name."""
    found = await asyncio.to_thread(recognise, request.what)
    branch, subfolder = check_branch(request.branch), check_subfolder(request.subfolder)
    name = check_name(request.name) if request.name else await _own_name(ctx, found, branch, subfolder)
    if branch and found.kind != "git":
        raise BadRequest(f"A {found.kind} has no branches.", "Leave --branch out.")
    if subfolder and found.kind == "file":
        raise BadRequest("A single file has no subfolders.", "Leave --subfolder out.")
    if request.credential:
        if found.kind != "git" or found.location.startswith("/"):
            raise BadRequest("Only a git repository over the network needs a credential.", "Leave --credential out.")
        await asyncio.to_thread(credentials.find, ctx.paths, request.credential)
    try:
        await ctx.db.execute(
            "INSERT INTO sources(project_id, name, kind, location, branch, subfolder, set_name, credential, state, "
            "detail, added) VALUES (?, ?, ?, ?, ?, ?, ?, ?, 'queued', '', ?)",
            (ctx.project, name, found.kind, found.location, branch, subfolder, request.set, request.credential, now()),
        )
    except sqlite3.IntegrityError as error:
        raise Conflict(
            f"There is a source called {name!r} already.", "Sync that one, or choose another name with --name."
        ) from error
    await credentials.publish(ctx)  # who uses them
    return await _submit(ctx, name)


async def _own_name(ctx: Context, found: Recognised, branch: str | None, subfolder: str | None) -> str:
    """A name that is free: two repositories of one name are two sources. Raises Conflict for the same one again."""
    rows = await records.rows(ctx)
    for row in rows:
        if (row["location"], row["branch"], row["subfolder"]) == (found.location, branch, subfolder):
            raise Conflict(f"That is there already, as {row['name']!r}.", "Sync that one, or give this a --name.")
    taken, name = {row["name"] for row in rows}, check_name(found.name)
    names = (f"{name}-{number}" if number > 1 else name for number in range(1, len(taken) + 2))
    return next(one for one in names if one not in taken)


async def list_sources(ctx: Context) -> list[wire.Source]:
    """All sources in the order they were added."""
    return [records.to_wire(ctx, row) for row in await records.rows(ctx)]


async def places(ctx: Context) -> list[Place]:
    """Every source that can be read now, for a scan."""
    return [records.place_of(ctx, row) for row in await records.rows(ctx) if row["state"] == "ready"]


async def busy(ctx: Context) -> list[str]:
    """Names of the sources that are being read, or wait for it."""
    names = [row["name"] for row in await records.rows(ctx) if row["state"] in {"queued", "reading"}]
    return [name for name in names if _living(ctx, name)]


async def get(ctx: Context, name: str) -> wire.Source:
    """One source. Raises NotFound."""
    return records.to_wire(ctx, await records.row_of(ctx, name))


async def sync(ctx: Context, name: str) -> wire.Source:
    """Read a source again; one that is being read goes on. Raises NotFound."""
    row = await records.row_of(ctx, name)
    if _living(ctx, name):
        return records.to_wire(ctx, row)
    await records.change(ctx, row["id"], state="queued", detail="")
    return await _submit(ctx, name)


async def set_set(ctx: Context, name: str, set_name: str) -> wire.Source:
    """Move a source to a set; the next scan follows. Raises NotFound, or BadRequest for a set that is none."""
    if set_name not in SETS:
        raise BadRequest(f"{set_name!r} is no set.", "Sets are auto, train and test.")
    row = await records.row_of(ctx, name)
    await records.change(ctx, row["id"], set_name=set_name)
    return await records.publish(ctx, name)


async def publish_all(ctx: Context) -> None:
    """Tell every client how the sources stand, after a scan has judged their files."""
    for source in await list_sources(ctx):
        ctx.tell("source", source)


async def recover(ctx: Context) -> None:
    """At the engine's start: what was being read when the last one ended is read again."""
    for row in await ctx.db.fetch_all(
        "SELECT name, project_id FROM sources WHERE state IN ('queued', 'reading') ORDER BY id"
    ):
        await _submit(ctx.inside(row["project_id"]), row["name"])


def _living(ctx: Context, name: str) -> list[wire.Job]:
    return [job for job in records.jobs_of(ctx, name) if job.state in {"queued", "running"}]


async def _submit(ctx: Context, name: str) -> wire.Source:
    await ctx.jobs.submit("source", name, reading(ctx.pinned(), name), project=ctx.project_name)
    return await records.publish(ctx, name)
