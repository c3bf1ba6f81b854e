"""Taking a base model away so that it can be brought back from the trash without being downloaded again."""

import asyncio
from pathlib import Path

from backend.context import Context
from backend.errors import BadRequest, Conflict, NotFound
from backend.models import records
from backend.models.catalog import STARTER, from_json
from backend.store import trash

SPEED = "train.tokens_per_s.{}"
"""Setting: how fast a model was trained here."""


async def remove(ctx: Context, name: str) -> trash.Thrown:
    """Move a model, with what was downloaded of it and what it thought of files, to the trash.

    A folder that was not downloaded is left alone. Raises NotFound, BadRequest for the starter, Conflict while it is
    hosted or a scan or run needs it."""
    if name == STARTER:
        raise BadRequest("The starter is part of refact-tui and is always there.", "Unhost it if it is in the way.")
    if await records.row_of(ctx, name) is None:
        raise NotFound(f"There is no model called {name!r}.", "See `refact-tui models list`.")
    if ctx.hosts and name in ctx.hosts.models():
        raise Conflict(f"{name} is hosted.", f"First: `refact-tui serve unhost {name}`.")
    for table in ("scans", "runs"):
        wanted = "state IN ('queued', 'running', 'preparing')"
        if await ctx.db.fetch_one(f"SELECT 1 FROM {table} WHERE model = ? AND {wanted}", (name,)):
            raise Conflict(f"{name} is needed: {table} with it are under way.", "Wait for their end, or stop them.")
    await ctx.jobs.end(records.jobs_of(ctx, name))
    row = await records.row_of(ctx, name)  # as it stands when nothing is at work on it any more
    assert row is not None
    # Another model may get this name; what this one thought of files is not what that one thinks.
    rows: dict[str, trash.Where] = {
        "models": ("name = ?", (name,)),
        "losses": ("model = ?", (name,)),
        "settings": ("name = ?", (SPEED.format(name),)),
    }
    thrown = await asyncio.to_thread(lambda: trash.throw(ctx.paths, "model", name, rows=rows))
    ctx.models.pop(name, None)
    async with ctx.db.transaction() as change:
        for table, (condition, values) in rows.items():
            await change.execute(f"DELETE FROM {table} WHERE {condition}", values)
    ours = row.kind == "hub" and Path(row.path).parent == ctx.paths.models
    thrown = await asyncio.to_thread(trash.take, thrown, {"model": Path(row.path)} if ours else {})
    ctx.bus.publish("trash", {})
    await records.publish(ctx)
    return thrown


async def restore(ctx: Context, thrown: trash.Thrown) -> None:
    """Bring a model back as it was. Raises Conflict where its name or its folder is taken."""
    row = await trash.first(thrown, "models")
    name, path = thrown.name, Path(row["path"])
    files = (thrown.content / "model").exists()
    if await records.row_of(ctx, name) or (files and path.exists()):
        raise Conflict(f"There is a model called {name!r} already.", "Remove that one; this one stays in the trash.")
    await asyncio.to_thread(trash.put, thrown, "model", path)
    async with ctx.db.transaction() as change:
        for table in ("models", "losses", "settings"):
            known = await trash.columns(ctx.db, table)
            if table == "losses":  # an older scan may have come to an end meanwhile
                await change.execute("DELETE FROM losses WHERE model = ?", (name,))
            if table == "settings":
                await change.execute("DELETE FROM settings WHERE name = ?", (SPEED.format(name),))
            async for page in trash.rows_of(thrown, table):
                await trash.insert(change, table, known, page)
    if row["state"] == "ready" and row["found"]:
        ctx.models[name] = from_json(row["found"])
    await records.publish(ctx)
