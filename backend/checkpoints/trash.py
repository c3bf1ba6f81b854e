"""Deleting runs and checkpoints so that they can be brought back: folder and rows lie in the trash for a while."""

import asyncio
import json
import sqlite3
from pathlib import Path
from typing import Any

from backend import wire
from backend.checkpoints import catalog
from backend.context import DEFAULT, Context
from backend.errors import Conflict
from backend.store import trash
from backend.store.database import Transaction
from backend.train import records
from backend.train import run as runs
from backend.train.follow import announce_checkpoints


async def delete_checkpoint(ctx: Context, name: str) -> None:
    """Throw one checkpoint away. Raises NotFound, Conflict for one that is served or whose run is at work."""
    point = await catalog.resolve(ctx, name)
    row = await records.row_of(ctx, point.run)
    _refuse_living(row)
    if point.served:
        raise Conflict(
            f"{name} is served.", "Serve another first: `refact-tui use off`, then delete it.", code="refused"
        )
    found = await ctx.db.fetch_one("SELECT * FROM checkpoints WHERE run_id = ? AND step = ?", (row["id"], point.step))
    assert found is not None
    await asyncio.to_thread(_throw, ctx, "checkpoint", name, row, Path(point.path), {"checkpoints": [dict(found)]})
    async with ctx.db.transaction() as change:
        await change.execute("DELETE FROM checkpoints WHERE run_id = ? AND step = ?", (row["id"], point.step))
        if row["best_step"] == point.step:
            await _best_of_the_rest(change, row["id"])
    ctx.bus.publish("trash", {})
    await announce_checkpoints(ctx)


async def delete_run(ctx: Context, run: str) -> None:
    """Throw a run away with its checkpoints. Raises NotFound, Conflict while it is at work or one of its is served."""
    row = await records.row_of(ctx, run)
    _refuse_living(row)
    await refuse_served(ctx, run)
    kept: dict[str, list[dict[str, Any]]] = {"runs": [dict(row)]}
    for table in ("metrics", "checkpoints"):
        found = await ctx.db.fetch_all(f"SELECT * FROM {table} WHERE run_id = ?", (row["id"],))
        kept[table] = [dict(one) for one in found]
    await asyncio.to_thread(_throw, ctx, "run", run, row, ctx.paths.runs / run, kept)
    await ctx.db.execute("DELETE FROM runs WHERE id = ?", (row["id"],))
    ctx.bus.publish("trash", {})
    ctx.bus.publish("reset", {})


async def restore(ctx: Context, thrown: trash.Thrown) -> None:
    """Bring back a run or a checkpoint. Raises Conflict where its name is taken by now, or its run is gone."""
    try:
        async with ctx.db.transaction() as change:
            back = _run_back if thrown.kind == "run" else _checkpoint_back
            home = await back(ctx, change, thrown)
            await asyncio.to_thread(thrown.content.rename, home)
    except (sqlite3.IntegrityError, OSError) as error:
        raise _taken(thrown) from error
    await announce_checkpoints(ctx)
    ctx.bus.publish("reset", {})


async def _run_back(ctx: Context, change: Transaction, thrown: trash.Thrown) -> Path:
    """Its rows, with another number where a newer run has its own by now; returns where its folder belongs."""
    kept: dict[str, list[dict[str, Any]]] = thrown.told["rows"]
    row = kept["runs"][0]
    number = await trash.number(ctx.db, "runs", row["id"])
    project = row["project_id"] if row["project_id"] in ctx.projects.names else DEFAULT
    again = {
        "runs": [{**row, "id": number, "project_id": project}],
        **{table: [{**one, "run_id": number} for one in kept.get(table, [])] for table in ("metrics", "checkpoints")},
    }
    for table, rows in again.items():
        await trash.insert(change, table, await trash.columns(ctx.db, table), rows)
    await _best_of_the_rest(change, number)
    return Path(thrown.told["home"])


async def _checkpoint_back(ctx: Context, change: Transaction, thrown: trash.Thrown) -> Path:
    """Its row, in the run that made it, whatever that is called by now; returns where its folder belongs."""
    row: dict[str, Any] = thrown.told["rows"]["checkpoints"][0]
    run = await ctx.db.fetch_one(
        "SELECT id, name FROM runs WHERE created = COALESCE(?, created) AND (? IS NOT NULL OR id = ?) "
        "ORDER BY id != ? LIMIT 1",
        (thrown.told.get("created"), thrown.told.get("created"), row["run_id"], row["run_id"]),
    )
    if run is None:
        raise _taken(thrown)
    home = ctx.paths.runs / str(run["name"]) / "checkpoints" / Path(thrown.told["home"]).name
    again = {**row, "run_id": run["id"], "path": str(home)}
    await trash.insert(change, "checkpoints", await trash.columns(ctx.db, "checkpoints"), [again])
    await _best_of_the_rest(change, run["id"])
    return home


def _taken(thrown: trash.Thrown) -> Conflict:
    return Conflict(
        f"{thrown.name} cannot be brought back: its place is taken, or its run is gone.",
        f"It stays in {thrown.folder} until it is emptied.",
    )


async def rename_run(ctx: Context, run: str, name: str) -> wire.Run:
    """Give a run another name. Raises BadRequest for what cannot be one, Conflict for a taken one or a run in use."""
    row = await records.row_of(ctx, run)
    runs.check_name(name)
    _refuse_living(row)
    await refuse_served(ctx, run)
    home, other = ctx.paths.runs / run, ctx.paths.runs / name
    if other.exists() or await ctx.db.fetch_one("SELECT 1 FROM runs WHERE name = ?", (name,)):
        raise Conflict(f"There is a run called {name!r} already.", "Choose another name.")
    async with ctx.db.transaction() as change:
        await change.execute("UPDATE runs SET name = ? WHERE id = ?", (name, row["id"]))
        await change.execute(
            "UPDATE checkpoints SET path = ? || substr(path, ?) WHERE run_id = ?",
            (str(other), len(str(home)) + 1, row["id"]),
        )
        if await asyncio.to_thread(home.exists):
            await asyncio.to_thread(_rename, home, other, name)
    ctx.bus.publish("reset", {})
    return await runs.get(ctx, name)


async def refuse_served(ctx: Context, run: str) -> None:
    """Raises Conflict where a checkpoint of the run is served."""
    served = await ctx.db.fetch_one("SELECT model, step FROM serving WHERE run = ?", (run,))
    if served:
        raise Conflict(
            f"{run}:{served['step']} is what {served['model']} serves.",
            "Serve another first: `refact-tui use off`.",
            code="refused",
        )


def _refuse_living(row: sqlite3.Row) -> None:
    if row["state"] not in records.ENDINGS:
        raise Conflict(f"{row['name']} is {row['state']}.", f"Stop it first: `refact-tui train stop {row['name']}`.")


async def _best_of_the_rest(change: Transaction, run_id: int) -> None:
    """The best that a run has left is its best now."""
    best = "SELECT {} FROM checkpoints WHERE run_id = ? AND test_loss IS NOT NULL ORDER BY test_loss, step LIMIT 1"
    await change.execute(
        f"UPDATE runs SET best_step = ({best.format('step')}), best_loss = ({best.format('test_loss')}) WHERE id = ?",
        (run_id, run_id, run_id),
    )


def _throw(
    ctx: Context, kind: wire.TrashKind, name: str, run: sqlite3.Row, home: Path, rows: dict[str, list[dict[str, Any]]]
) -> None:
    project = ctx.projects.names.get(run["project_id"], "")
    told = {"home": str(home), "created": run["created"], "rows": rows}
    trash.take(trash.throw(ctx.paths, kind, name, project=project, told=told), {"": home})


def _rename(home: Path, other: Path, name: str) -> None:
    """The folder, and the name in it that a resumed trainer reads."""
    job = home / "job.json"
    told = json.loads(job.read_text())
    part = job.with_suffix(".part")
    part.write_text(json.dumps({**told, "run": name}))
    part.replace(job)
    home.rename(other)
