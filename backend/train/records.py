"""Runs as rows and as wire structs, and what a journal's lines change in them."""

import json
import sqlite3
from typing import Any

import msgspec

from backend import wire
from backend.context import Context
from backend.errors import NotFound
from backend.store.database import Transaction
from backend.train import made

METRIC = (
    "INSERT INTO metrics(run_id, step, train_loss, test_loss, learning_rate, tokens_per_s) VALUES (?, ?, ?, ?, ?, ?) "
    "ON CONFLICT(run_id, step) DO UPDATE SET train_loss = COALESCE(excluded.train_loss, train_loss), "
    "test_loss = COALESCE(excluded.test_loss, test_loss), "
    "learning_rate = COALESCE(excluded.learning_rate, learning_rate), "
    "tokens_per_s = COALESCE(excluded.tokens_per_s, tokens_per_s)"
)
EVALUATION = wire.Evaluation.__struct_fields__
LIVE_FIELDS = (
    "train_loss",
    "learning_rate",
    "tokens_per_s",
    "memory_bytes",
    "utilisation",
    "elapsed_s",
    "eta_s",
    "eta_low_s",
    "eta_high_s",
)
ENDINGS = ("done", "stopped", "paused", "failed")


async def row_of(ctx: Context, run: str) -> sqlite3.Row:
    """The row of a run. Raises NotFound."""
    row = await ctx.db.fetch_one("SELECT * FROM runs WHERE name = ?", (run,))
    if row is None:
        raise NotFound(f"There is no run called {run!r}.", "See `refact-tui train list`.")
    return row


async def all_rows(ctx: Context) -> list[sqlite3.Row]:
    """Every run, the newest first."""
    return list(await ctx.db.fetch_all("SELECT * FROM runs ORDER BY id DESC"))


async def change(ctx: Context, run: str, **values: Any) -> None:
    """Set columns of a run."""
    names = ", ".join(f"{name} = ?" for name in values)
    await ctx.db.execute(f"UPDATE runs SET {names} WHERE name = ?", (*values.values(), run))


def to_wire(ctx: Context, row: sqlite3.Row) -> wire.Run:
    """A run as everyone sees it."""
    jobs = [job.id for job in ctx.jobs.list() if job.kind == "train" and job.name == row["name"]]
    evaluation = row["evaluation"]
    return wire.Run(
        run=row["name"],
        model=row["model"],
        state=row["state"],
        step=row["step"] or 0,
        steps=row["steps"] or 0,
        test_loss=wire.TestLoss(base=row["base_loss"], best=row["best_loss"], last=row["last_loss"]),
        best_checkpoint=f"{row['name']}:{row['best_step']}" if row["best_step"] is not None else None,
        evaluation=msgspec.json.decode(evaluation, type=wire.Evaluation) if evaluation else None,
        reason=row["reason"],
        phase=row["phase"] or "",
        train_loss=row["train_loss"],
        learning_rate=row["learning_rate"],
        tokens_per_s=row["tokens_per_s"],
        memory_bytes=row["memory_bytes"],
        elapsed_s=row["elapsed_s"] or 0.0,
        eta_s=row["eta_s"],
        eta_low_s=row["eta_low_s"],
        eta_high_s=row["eta_high_s"],
        utilisation=row["utilisation"],
        created=row["created"],
        started=row["started"],
        ended=row["ended"],
        settings=json.loads(row["settings"] or "{}"),
        overridden=json.loads(row["plan"] or "{}").get("overridden", []),
        train_files=row["train_files"] or 0,
        test_files=row["test_files"] or 0,
        attempts=row["attempts"] or 0,
        job=max(jobs, default=None),
        parent=row["parent"],
        held_back=bool(row["held_back"]),
    )


async def apply(ctx: Context, run: str, lines: list[dict[str, Any]], offset: int) -> list[wire.Metric]:
    """Write what journal lines say and how far the journal was read, as one; returns the metrics in them."""
    row = await row_of(ctx, run)
    changes: dict[str, Any] = {"best_loss": row["best_loss"], "best_step": row["best_step"]}
    metrics = [metric for line in lines if (metric := _metric(line))]
    async with ctx.db.transaction() as tx:
        for line in lines:
            _fold(changes, line)
            if line["kind"] == "checkpoint":
                await made.record(tx, row["id"], row["model"], line)
            elif line["kind"] == "evaluation" and "step" in line:
                await made.record_evaluation(tx, row["id"], line["step"], _evaluation(line))
        await _write_metrics(tx, row["id"], metrics)
        changes["journal_offset"] = offset
        names = ", ".join(f"{name} = ?" for name in changes)
        await tx.execute(f"UPDATE runs SET {names} WHERE id = ?", (*changes.values(), row["id"]))
    return metrics


async def _write_metrics(tx: Transaction, run_id: int, metrics: list[wire.Metric]) -> None:
    rows = [(run_id, one.step, one.train_loss, one.test_loss, one.learning_rate, one.tokens_per_s) for one in metrics]
    if rows:
        await tx.execute_many(METRIC, rows)


def _metric(line: dict[str, Any]) -> wire.Metric | None:
    if line["kind"] not in ("step", "eval"):
        return None
    return wire.Metric(
        step=line["step"],
        train_loss=line.get("train_loss"),
        test_loss=line.get("test_loss"),
        learning_rate=line.get("learning_rate"),
        tokens_per_s=line.get("tokens_per_s"),
    )


def _fold(changes: dict[str, Any], line: dict[str, Any]) -> None:
    """What one line changes in the run's row; a line that is repeated after a kill changes nothing more."""
    match line["kind"]:
        case "start":
            changes |= {"state": "preparing", "phase": "starting"}
        case "phase":
            busy = line["phase"] in ("training", "evaluating")
            changes |= {"phase": line["phase"], "state": "running" if busy else "preparing"}
            if line["phase"] == "evaluating":
                changes |= {"eta_s": None, "eta_low_s": None, "eta_high_s": None}
        case "plan":
            changes["steps"] = line["steps"]
        case "step":
            changes |= {"step": line["step"], **{name: line.get(name) for name in LIVE_FIELDS}}
        case "eval" if line["step"] == 0:
            changes["base_loss"] = line["test_loss"]
        case "eval":
            changes["last_loss"] = line["test_loss"]
        case "checkpoint" if line["test_loss"] is not None:
            if changes["best_loss"] is None or line["test_loss"] < changes["best_loss"]:
                changes |= {"best_loss": line["test_loss"], "best_step": line["step"]}
        case "evaluation":
            changes["evaluation"] = _evaluation(line)


def _evaluation(line: dict[str, Any]) -> str:
    return json.dumps({name: line[name] for name in EVALUATION if name in line})
