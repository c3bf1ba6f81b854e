"""Removing a source, or a server's pinned key, so that it can be brought back from the trash as it was."""

import asyncio
import shutil
import sqlite3
from pathlib import Path

from backend.context import Context
from backend.errors import Conflict, NotFound
from backend.sources import credentials, hosts, records
from backend.store import trash
from backend.store.database import Transaction

KEPT: dict[str, str] = {"sources": "id", "snapshots": "source_id", "files": "source_id"}
"""Tables with rows of a source, and the column that says whose they are."""


async def remove(ctx: Context, name: str) -> trash.Thrown:
    """Move a source with its verdicts, its clone, and what was fetched or sent for it, to the trash.

    All else at its location stays. Raises NotFound."""
    row = await records.row_of(ctx, name)
    await ctx.jobs.end(records.jobs_of(ctx, name))
    row = await records.row_of(ctx, name)  # as it stands when nothing reads it any more
    rows = {table: (f"{column} = ?", (row["id"],)) for table, column in KEPT.items()}
    thrown = await asyncio.to_thread(
        lambda: trash.throw(ctx.paths, "source", name, project=ctx.project_name, rows=rows)
    )
    async with ctx.db.transaction() as change:
        await change.execute("DELETE FROM sources WHERE id = ?", (row["id"],))
    thrown = await asyncio.to_thread(trash.take, thrown, _files(ctx, row))
    ctx.tell("source_removed", {"name": name})
    ctx.bus.publish("trash", {})
    await credentials.publish(ctx)
    return thrown


async def restore(ctx: Context, thrown: trash.Thrown) -> None:
    """Bring a source back into its project. Raises Conflict where its name is taken or its project is gone."""
    number = next((one for one, name in ctx.projects.names.items() if name == thrown.project), None)
    if number is None:
        raise Conflict(
            f"{thrown.name} belongs to the project {thrown.project}, which is gone.",
            f"Bring that back first, or make one of this name: `refact-tui projects add {thrown.project}`.",
        )
    home = ctx.inside(number)
    async with ctx.db.transaction() as change:
        if await ctx.db.fetch_one("SELECT 1 FROM sources WHERE project_id = ? AND name = ?", (number, thrown.name)):
            raise Conflict(
                f"There is a source called {thrown.name!r} already.", "Remove that one; this one stays in the trash."
            )
        await _rows_back(home, change, thrown)
    row = await records.row_of(home, thrown.name)
    for kept, path in _files(home, row).items():
        await asyncio.to_thread(_put, thrown, kept, path)
    await records.publish(home, thrown.name)
    await credentials.publish(ctx)


async def _rows_back(ctx: Context, change: Transaction, thrown: trash.Thrown) -> None:
    """The rows with the numbers that they had, or with others where those were given away since."""
    known = {table: await trash.columns(ctx.db, table) for table in KEPT}
    source = await trash.first(thrown, "sources")
    snapshots = [row async for page in trash.rows_of(thrown, "snapshots") for row in page]
    mine = {"project_id": ctx.project, "source_id": await trash.number(ctx.db, "sources", source["id"])}
    renumbered: dict[int, int] = {}
    for row in snapshots:
        renumbered[row["id"]] = await trash.number(ctx.db, "snapshots", row["id"], set(renumbered.values()))
    snapshot = renumbered.get(source["snapshot_id"])
    await trash.insert(
        change,
        "sources",
        known["sources"],
        [{**source, "id": mine["source_id"], "project_id": ctx.project, "snapshot_id": snapshot}],
    )
    again = [{**row, "id": renumbered[row["id"]], "source_id": mine["source_id"]} for row in snapshots]
    await trash.insert(change, "snapshots", known["snapshots"], again)
    async for page in trash.rows_of(thrown, "files"):
        # Lists are read in the order of numbers; the next scan finds out for itself which files are there.
        rows = [{**{name: value for name, value in row.items() if name != "id"}, **mine, "seen": 0} for row in page]
        await trash.insert(change, "files", known["files"], rows)


def _files(ctx: Context, row: sqlite3.Row) -> dict[str, Path]:
    """What lies in the state home for a source, by its name in the trash."""
    files = {"clone": Path(records.place_of(ctx, row).clone), "downloads": ctx.paths.downloads / str(row["id"])}
    sent = Path(row["location"]).parent
    return {**files, "upload": sent} if sent.parent == ctx.paths.uploads else files


def _put(thrown: trash.Thrown, name: str, path: Path) -> None:
    if (thrown.content / name).exists():
        shutil.rmtree(path, ignore_errors=True)  # of a source that is gone: numbers are given again
        trash.put(thrown, name, path)


async def forget_host(ctx: Context, host: str) -> None:
    """Drop what is pinned for a git server: the next key that it shows is pinned. Raises NotFound."""
    lines = await asyncio.to_thread(hosts.forget, ctx.paths, host)
    if not lines:
        raise NotFound(f"No key is pinned for {host!r}.", "A port belongs to the name: [host]:2222.")
    await asyncio.to_thread(lambda: trash.throw(ctx.paths, "server", host, told={"lines": lines}))
    ctx.bus.publish("trash", {})
    await _shown_as(ctx, host, None)


async def pin_again(ctx: Context, thrown: trash.Thrown) -> None:
    """Pin a server's key again. Raises Conflict where another one is pinned by now."""
    lines: list[str] = thrown.told["lines"]
    if not await asyncio.to_thread(hosts.pin, ctx.paths, thrown.name, lines):
        raise Conflict(
            f"A key is pinned for {thrown.name} already.", "Forget that one first; this one stays in the trash."
        )
    await _shown_as(ctx, thrown.name, await asyncio.to_thread(hosts.fingerprint, ctx.paths, thrown.name))


async def _shown_as(ctx: Context, host: str, fingerprint: str | None) -> None:
    """Sources of a server say which of its keys is pinned."""
    for row in await ctx.db.fetch_all("SELECT id, project_id, name, location, host_key FROM sources"):
        own = (hosts.host_of(row["location"]) or "").lower() == host.lower()
        if own and (fingerprint or row["host_key"]):
            await records.change(ctx, row["id"], host_key=fingerprint)
            await records.publish(ctx.inside(row["project_id"]), row["name"])
    await credentials.publish(ctx)
