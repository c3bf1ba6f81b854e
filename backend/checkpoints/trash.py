"""Deleting runs and checkpoints so that they can be brought back: folder and rows lie in the trash for a while."""

import asyncio
import json
import shutil
import sqlite3
import time
from pathlib import Path
from typing import Any

from backend import wire
from backend.checkpoints import catalog
from backend.context import Context
from backend.errors import Conflict, NotFound
from backend.store.database import Transaction
from backend.train import records
from backend.train import run as runs
from backend.train.follow import announce_checkpoints

KEPT_S = 14 * 24 * 3600.0
"""How long the trash keeps what was thrown into it."""
ROWS = "rows.json"
CONTENT = "content"


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
    await asyncio.to_thread(_throw, ctx, name, Path(point.path), {"checkpoints": [dict(found)]})
    async with ctx.db.transaction() as change:
        await change.execute("DELETE FROM checkpoints WHERE run_id = ? AND step = ?", (row["id"], point.step))
        if row["best_step"] == point.step:
            await _best_of_the_rest(change, row["id"])
    await _tell(ctx)


async def delete_run(ctx: Context, run: str) -> None:
    """Throw a run away with its checkpoints. Raises NotFound, Conflict while it is at work or one of its is served."""
    row = await records.row_of(ctx, run)
    _refuse_living(row)
    await refuse_served(ctx, run)
    kept: dict[str, list[dict[str, Any]]] = {"runs": [dict(row)]}
    for table in ("metrics", "checkpoints"):
        found = await ctx.db.fetch_all(f"SELECT * FROM {table} WHERE run_id = ?", (row["id"],))
        kept[table] = [dict(one) for one in found]
    await asyncio.to_thread(_throw, ctx, run, ctx.paths.runs / run, kept)
    await ctx.db.execute("DELETE FROM runs WHERE id = ?", (row["id"],))
    ctx.bus.publish("reset", {})


async def restore(ctx: Context, name: str) -> None:
    """Bring back the run or checkpoint of this name that was thrown away last.

    Raises NotFound where the trash has none, Conflict where its name is taken by now."""
    folder = await asyncio.to_thread(_newest, ctx, name)
    kept = json.loads((folder / ROWS).read_text())
    home = Path(kept["home"])
    try:
        async with ctx.db.transaction() as change:
            for table in ("runs", "metrics", "checkpoints"):
                for row in kept["rows"].get(table, []):
                    names = ", ".join(row)
                    marks = ", ".join("?" * len(row))
                    await change.execute(f"INSERT INTO {table}({names}) VALUES ({marks})", tuple(row.values()))
            for row in kept["rows"].get("checkpoints", []):
                await _best_of_the_rest(change, row["run_id"])
            await asyncio.to_thread((folder / CONTENT).rename, home)
    except (sqlite3.IntegrityError, OSError) as error:
        raise Conflict(
            f"{name} cannot be brought back: its place is taken, or its run is gone.",
            f"It stays in {folder} until it is emptied.",
        ) from error
    await asyncio.to_thread(shutil.rmtree, folder, ignore_errors=True)
    await _tell(ctx)
    ctx.bus.publish("reset", {})


async def empty(ctx: Context) -> None:
    """At the engine's start: what has lain in the trash for long is gone for good."""
    await asyncio.to_thread(_empty, ctx.paths.trash)


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


async def _tell(ctx: Context) -> None:
    await announce_checkpoints(ctx)


def _throw(ctx: Context, name: str, home: Path, rows: dict[str, list[dict[str, Any]]]) -> None:
    folder = ctx.paths.trash / f"{time.time_ns()}-{name}"
    folder.mkdir(parents=True, mode=0o700)
    (folder / ROWS).write_text(json.dumps({"home": str(home), "rows": rows}))
    if home.exists():
        home.rename(folder / CONTENT)
    else:
        (folder / CONTENT).mkdir()


def _newest(ctx: Context, name: str) -> Path:
    found = [one for one in ctx.paths.trash.iterdir() if one.name.partition("-")[2] == name]
    if not found:
        raise NotFound(f"There is no {name!r} in the trash.", f"It keeps things for {KEPT_S / 86400:.0f} days.")
    return max(found, key=lambda one: one.name)


def _empty(trash: Path) -> None:
    for folder in trash.iterdir():
        thrown = folder.name.partition("-")[0]
        if thrown.isdigit() and time.time() - int(thrown) / 1e9 > KEPT_S:
            shutil.rmtree(folder, ignore_errors=True)


def _rename(home: Path, other: Path, name: str) -> None:
    """The folder, and the name in it that a resumed trainer reads."""
    job = home / "job.json"
    told = json.loads(job.read_text())
    part = job.with_suffix(".part")
    part.write_text(json.dumps({**told, "run": name}))
    part.replace(job)
    home.rename(other)
