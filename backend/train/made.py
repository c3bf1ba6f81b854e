"""The checkpoints that runs have made: written and pruned while a run is followed, read as one list."""

import asyncio
import json
import shutil
import sqlite3
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any

import msgspec

from backend import wire
from backend.context import Context
from backend.store.database import Transaction

INSERT = (
    "INSERT INTO checkpoints(run_id, step, model, test_loss, size, path, made) VALUES (?, ?, ?, ?, ?, ?, ?) "
    "ON CONFLICT(run_id, step) DO UPDATE SET test_loss = COALESCE(excluded.test_loss, test_loss), "
    "size = excluded.size, path = excluded.path"
)
ALL = (
    "SELECT c.step, c.model, c.test_loss, c.size, c.path, c.made, c.evaluation, c.pinned, r.name AS run, r.best_step, "
    "r.base_loss, s.run IS NOT NULL AS served FROM checkpoints c JOIN runs r ON r.id = c.run_id "
    "LEFT JOIN serving s ON s.model = c.model AND s.run = r.name AND s.step = c.step "
    "WHERE r.project_id = ? OR s.run IS NOT NULL OR ? ORDER BY r.id DESC, c.step DESC"
)

OF_RUN = (
    "SELECT c.step, c.test_loss, c.path, r.id AS run_id, r.settings, c.pinned OR s.run IS NOT NULL OR EXISTS("
    "SELECT 1 FROM runs WHERE parent = r.name || ':' || c.step AND wanted = 'running') AS held "
    "FROM checkpoints c JOIN runs r ON r.id = c.run_id LEFT JOIN serving s ON s.run = r.name AND s.step = c.step "
    "WHERE r.name = ? ORDER BY c.step"
)
BEST = 3
"""How many of the best are kept where a run was started before that could be set."""


async def record(tx: Transaction, run_id: int, model: str, found: dict[str, Any]) -> None:
    """Take note of a checkpoint that a trainer journaled; one journaled again stays one."""
    values = (run_id, found["step"], model, found["test_loss"], found["size"], found["path"], found["at"])
    await tx.execute(INSERT, values)


async def record_evaluation(tx: Transaction, run_id: int, step: int, evaluation: str) -> None:
    """Keep what was measured of a checkpoint, as JSON."""
    await tx.execute("UPDATE checkpoints SET evaluation = ? WHERE run_id = ? AND step = ?", (evaluation, run_id, step))


async def list_checkpoints(ctx: Context, everywhere: bool = False) -> list[wire.Checkpoint]:
    """The checkpoints of the project and those that are served, or all there are; the newest run first."""
    return [
        wire.Checkpoint(
            id=f"{row['run']}:{row['step']}",
            model=row["model"],
            test_loss=row["test_loss"],
            best=row["step"] == row["best_step"],
            served=bool(row["served"]),
            size=row["size"],
            made=row["made"],
            path=row["path"],
            run=row["run"],
            step=row["step"],
            base_loss=row["base_loss"],
            evaluation=msgspec.json.decode(row["evaluation"], type=wire.Evaluation) if row["evaluation"] else None,
            pinned=bool(row["pinned"]),
        )
        for row in await ctx.db.fetch_all(ALL, (ctx.project, everywhere))
    ]


async def prune(ctx: Context, run: str) -> list[int]:
    """Throw away a run's checkpoints but its best few, the newest, the pinned and the served; returns their steps."""
    rows = list(await ctx.db.fetch_all(OF_RUN, (run,)))
    if not rows:
        return []
    gone = surplus(rows, json.loads(rows[0]["settings"] or "{}").get("keep_checkpoints", BEST))
    for row in gone:
        await ctx.db.execute("DELETE FROM checkpoints WHERE run_id = ? AND step = ?", (row["run_id"], row["step"]))
    if gone:
        await asyncio.to_thread(_throw_away, ctx.paths.runs / run / "trash", [Path(row["path"]) for row in gone])
    return [row["step"] for row in gone]


def surplus(rows: Sequence[sqlite3.Row], keep: int) -> list[sqlite3.Row]:
    """Those of a run's checkpoints, oldest first, that nothing speaks for. What a run resumes from is none of them."""
    tested = [row for row in rows if row["test_loss"] is not None]
    kept = {row["step"] for row in sorted(tested, key=lambda row: (row["test_loss"], row["step"]))[:keep]}
    return [row for row in rows[:-1] if not row["held"] and row["step"] not in kept]


def _throw_away(trash: Path, folders: Sequence[Path]) -> None:
    """Moved first, so that a folder under a checkpoint's name is always whole; what is left over goes next time."""
    trash.mkdir(mode=0o700, exist_ok=True)
    for folder in folders:
        with suppress(FileNotFoundError):
            shutil.rmtree(trash / folder.name, ignore_errors=True)
            folder.rename(trash / folder.name)
    shutil.rmtree(trash, ignore_errors=True)
