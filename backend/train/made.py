"""The checkpoints that runs have made: written while a run is followed, read as one list."""

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
    "SELECT c.step, c.model, c.test_loss, c.size, c.path, c.made, c.evaluation, r.name AS run, r.best_step, "
    "r.base_loss, s.run IS NOT NULL AS served FROM checkpoints c JOIN runs r ON r.id = c.run_id "
    "LEFT JOIN serving s ON s.model = c.model AND s.run = r.name AND s.step = c.step "
    "WHERE r.project_id = ? OR s.run IS NOT NULL OR ? ORDER BY r.id DESC, c.step DESC"
)


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
        )
        for row in await ctx.db.fetch_all(ALL, (ctx.project, everywhere))
    ]
