"""Turns what is known of every file into verdicts and sets, in pages; cheap enough to run after every change."""

import math
import sqlite3
from dataclasses import dataclass
from typing import Any

from backend.context import Context
from backend.models.catalog import ModelInfo
from backend.scan import settings
from backend.scan.split import Candidate, Split
from backend.scan.table import (
    JUDGED,
    LossKey,
    accepted_of_auto,
    in_order,
    language_counts,
    near_of,
    paths_of,
    write_sets,
)
from backend.scan.verdict import FAMILY, Policy, Reason, after_loss, before_loss, masks, switched_on
from backend.wire import SplitBy

Alike = list[tuple[str, float]]
"""Contents that are nearly the same, and how similar."""
BYTES_A_TOKEN = 3.6
"""Where the model has not counted."""


@dataclass(frozen=True)
class Seen:
    """Contents that came before, by 16 bytes of their hash: a million of them must fit in memory."""

    first: dict[bytes, int]
    """The file where each stood first."""
    accepted: set[bytes]
    beside: dict[bytes, bytes]
    """What is nearly the same as an accepted one, and which that is."""


@dataclass(frozen=True)
class Twin:
    """A duplicate whose sentence needs the name of another file."""

    file: int
    words: str


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
    seen = Seen({}, set(), {})
    async for rows in in_order(ctx, key):
        near = await near_of(ctx, {row["sha256"] for row in rows})
        found = [_judged(rule, row, near.get(row["sha256"], []), seen, bool(key) and final) for row in rows]
        names = await paths_of(ctx, {against.file for against, _ in found if isinstance(against, Twin)})
        changes: list[tuple[Any, ...]] = []
        for row, (against, loss) in zip(rows, found, strict=True):
            if isinstance(against, Twin):
                source, name, path = names[against.file]
                where = path if source == row["source_id"] else f"{path} in {name}"
                against = "duplicate", f"{against.words} {where}"
            verdict, reason, detail = ("rejected", *against) if against else ("accepted", None, "")
            # A loss belongs to what was scored; of a file refused before the model there is none.
            kept = loss if reason in {None, "loss_too_high"} else None
            if (verdict, reason, detail, kept) != (row["verdict"], row["reason"], row["detail"], row["loss"]):
                changes.append((verdict, reason, detail, kept, row["id"]))
        if changes:
            await ctx.db.execute_many(JUDGED, changes)


def _judged(
    rule: Policy, row: sqlite3.Row, near: Alike, seen: Seen, scored: bool
) -> tuple[Reason | Twin | None, float | None]:
    """What speaks against a file, and its loss."""
    loss = (0.0 if row["size"] == 0 else row["known_loss"]) if scored else None
    against = _against(rule, row, near, seen, loss if row["size"] else None, scored)
    if not against:
        content = _short(row["sha256"])
        seen.accepted.add(content)
        seen.beside.update((_short(other), content) for other, _ in near)
    return against, loss


def _against(
    rule: Policy, row: sqlite3.Row, near: Alike, seen: Seen, loss: float | None, scored: bool
) -> Reason | Twin | None:
    found = (row["stage1_reason"], row["stage1_detail"] or "") if row["stage1_reason"] else None
    if against := before_loss(rule, row["path"], row["language"], found, row["by_hand"], row["secret"]):
        return against
    content = _short(row["sha256"])
    if (first := seen.first.setdefault(content, row["id"])) != row["id"]:
        return Twin(first, "same content as")
    for other, similarity in near:
        if (twin := _short(other)) in seen.accepted:
            return Twin(seen.first[twin], f"near-duplicate ({similarity:.2f}) of")
    if len(near) >= FAMILY:
        for other, _ in near:
            if beside := seen.beside.get(_short(other)):
                return Twin(seen.first[beside], "has a near-duplicate in common with")
    return after_loss(rule, row["path"], row["language"], loss, row["by_hand"]) if scored else None


def _short(sha256: str) -> bytes:
    return bytes.fromhex(sha256[:32])


async def divide(ctx: Context, key: LossKey | None) -> SplitBy:
    """Give every accepted file its set; returns how those held out were chosen."""
    held = await ctx.db.fetch_one(
        "SELECT COUNT(*) AS files, SUM(f.size) AS bytes FROM files f JOIN sources s ON s.id = f.source_id "
        "WHERE f.project_id = ? AND f.verdict = 'accepted' AND s.set_name = 'test'",
        (ctx.project,),
    )
    files, size = (held["files"], held["bytes"] or 0) if held else (0, 0)
    split = Split(has_test=files > 0, test_tokens=int(size / BYTES_A_TOKEN))
    async for rows in accepted_of_auto(ctx, key):
        split.add(
            Candidate(row["id"], row["name"], row["path"], row["language"], _tokens(row), row["commits_ago"])
            for row in rows
        )
    await write_sets(ctx, split.held_out())
    return split.by


def _tokens(row: sqlite3.Row) -> int:
    return int(row["tokens"]) if row["tokens"] is not None else math.ceil(row["size"] / BYTES_A_TOKEN)
