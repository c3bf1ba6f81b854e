"""Turns what is known of every file into verdicts and sets, in pages; cheap enough to run after every change."""

import math
import sqlite3
from dataclasses import dataclass
from typing import Any

from backend.context import Context
from backend.models.catalog import ModelInfo
from backend.scan import settings
from backend.scan.split import Candidate, held_out
from backend.scan.table import JUDGED, LossKey, in_order, language_counts
from backend.scan.verdict import Policy, after_loss, before_loss, masks, switched_on

BYTES_A_TOKEN = 3.6
"""Where the model has not counted."""


@dataclass(frozen=True)
class Seen:
    """Contents that came before, with the `source: path` where each stood first."""

    first: dict[str, str]
    accepted: dict[str, str]


async def policy(ctx: Context, info: ModelInfo | None) -> Policy:
    """The masks, switches and threshold as they are set now. Raises BadRequest for a mask that cannot be read."""
    chosen = await settings.read(ctx)
    return Policy(
        include=masks(chosen.include),
        exclude=masks(chosen.exclude),
        on=switched_on(await language_counts(ctx), chosen.languages_on, chosen.languages_off),
        threshold=(chosen.threshold or info.loss_threshold) if info else math.inf,
        known=frozenset(info.languages) if info and info.languages is not None else None,
    )


async def judge_all(ctx: Context, rule: Policy, key: LossKey | None, final: bool) -> None:
    """Write each file's verdict, reason and loss. With `key` and `final` the model's losses count too."""
    seen = Seen({}, {})
    names = {row["id"]: row["name"] for row in await ctx.db.fetch_all("SELECT id, name FROM sources")}
    async for rows in in_order(ctx, key):
        changes: list[tuple[Any, ...]] = []
        for row in rows:
            loss = (0.0 if row["size"] == 0 else row["known_loss"]) if key and final else None
            against = _against(rule, row, seen, names, loss if row["size"] else None, bool(key) and final)
            verdict, reason, detail = ("rejected", *against) if against else ("accepted", None, "")
            if not against:
                seen.accepted[row["sha256"]] = seen.first[row["sha256"]]
            # A loss belongs to what was scored; of a file refused before the model there is none.
            kept = loss if reason in {None, "loss_too_high"} else None
            if (verdict, reason, detail, kept) != (row["verdict"], row["reason"], row["detail"], row["loss"]):
                changes.append((verdict, reason, detail, kept, row["id"]))
        if changes:
            await ctx.db.execute_many(JUDGED, changes)


def _against(
    rule: Policy, row: sqlite3.Row, seen: Seen, names: dict[int, str], loss: float | None, scored: bool
) -> tuple[str, str] | None:
    found = (row["stage1_reason"], row["stage1_detail"] or "") if row["stage1_reason"] else None
    if against := before_loss(rule, row["path"], row["language"], found, row["by_hand"]):
        return against
    where = f"{names.get(row['source_id'], '?')}: {row['path']}"
    here = names.get(row["source_id"], "?")
    if (twin := seen.first.setdefault(row["sha256"], where)) != where:
        return "duplicate", f"same content as {_named(twin, here)}"
    if near := seen.accepted.get(row["twin"] or ""):
        return "duplicate", f"near-duplicate ({row['similarity']:.2f}) of {_named(near, here)}"
    return after_loss(rule, row["path"], row["language"], loss, row["by_hand"]) if scored else None


def _named(twin: str, here: str) -> str:
    """`source: path` as seen from a source."""
    source, _, path = twin.partition(": ")
    return path if source == here else f"{path} in {source}"


async def divide(ctx: Context, key: LossKey | None) -> tuple[int, int]:
    """Give every accepted file its set; returns how many are for training and for testing."""
    values = key.values if key else ("", 0, "")
    rows = await ctx.db.fetch_all(
        "SELECT f.id, s.name, f.path, f.language, f.size, f.set_name, s.set_name AS source_set, l.tokens FROM files f "
        "JOIN sources s ON s.id = f.source_id "
        "LEFT JOIN losses l ON l.sha256 = f.sha256 AND l.model = ? AND l.context = ? AND l.text_format = ? "
        "WHERE f.verdict = 'accepted'",
        values,
    )
    candidates = [
        Candidate(row["id"], row["name"], row["path"], row["language"], _tokens(row), row["source_set"]) for row in rows
    ]
    test = held_out(candidates)
    wanted = {row["id"]: "test" if row["id"] in test else "train" for row in rows}
    changes = [(wanted[row["id"]], row["id"]) for row in rows if row["set_name"] != wanted[row["id"]]]
    await ctx.db.execute_many("UPDATE files SET set_name = ? WHERE id = ?", changes)
    return len(rows) - len(test), len(test)


def _tokens(row: sqlite3.Row) -> int:
    return int(row["tokens"]) if row["tokens"] is not None else math.ceil(row["size"] / BYTES_A_TOKEN)
