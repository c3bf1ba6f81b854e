"""A person changes what is accepted, after the scan: applied at once to what was found, without the model."""

import asyncio
import sqlite3
from collections.abc import Sequence

from pathspec import GitIgnoreSpec

from backend import wire
from backend.context import Context
from backend.errors import BadRequest, Conflict, NotFound
from backend.scan import run, settings
from backend.scan.rules import may_include
from backend.scan.verdict import masks

MOST_FILES = 10_000
"""That one change by hand may name."""
PAGE = 50_000


async def apply(ctx: Context, wanted: wire.ScanSettings) -> wire.Scan | None:
    """Keep other settings and judge anew; None before the first scan. Raises as `settings.write`, and Conflict."""
    await _no_scan_under_way(ctx)
    await settings.write(ctx, wanted)
    return await run.rejudge(ctx)


async def by_hand(ctx: Context, request: wire.ByHand) -> wire.ByHandDone:
    """Include or exclude single files, or leave them to the rules again.

    A file that may not be included is not, and why is told. Raises BadRequest, NotFound, Conflict."""
    await _no_scan_under_way(ctx)
    rows = await _named(ctx, request)
    allowed: list[sqlite3.Row] = []
    refused: list[str] = []
    for row in rows:
        # Of a file that is excluded by hand the rules' own reason is not stored; then the rules are asked anew.
        if request.what == "include" and row["verdict"] == "rejected" and not may_include(row["reason"], before=False):
            refused.append(f"{row['path']}: {row['reason']} may never be included by hand" + _way(row["reason"]))
        else:
            allowed.append(row)
    value = None if request.what == "auto" else request.what
    await ctx.db.execute_many("UPDATE files SET by_hand = ? WHERE id = ?", [(value, row["id"]) for row in allowed])
    scan = await run.rejudge(ctx)
    return wire.ByHandDone(
        changed=[row["id"] for row in allowed],
        before=[row["by_hand"] or "auto" for row in allowed],
        refused=refused,
        scan=scan,
    )


def _way(reason: str) -> str:
    return "; an include mask can" if may_include(reason, before=True) else ""


async def _named(ctx: Context, request: wire.ByHand) -> list[sqlite3.Row]:
    """The files that a request names, by number or by path. Raises NotFound for one that is not there."""
    if not 1 <= len(request.ids) + len(request.paths) <= MOST_FILES:
        raise BadRequest(f"Name 1 to {MOST_FILES:,} files.")
    found: list[sqlite3.Row] = []
    for id_ in request.ids:
        found += await _rows(ctx, "f.id = ?", [id_], f"number {id_}")
    for path in request.paths:
        source = " AND s.name = ?" if request.source else ""
        found += await _rows(ctx, f"f.path = ?{source}", [path, *([request.source] if request.source else [])], path)
    return found


async def _rows(ctx: Context, where: str, values: Sequence[object], named: str) -> list[sqlite3.Row]:
    rows = await ctx.db.fetch_all(
        "SELECT f.id, f.path, f.verdict, f.reason, f.by_hand FROM files f JOIN sources s ON s.id = f.source_id "
        f"WHERE f.project_id = ? AND f.verdict IS NOT NULL AND {where}",
        (ctx.project, *values),
    )
    if not rows:
        raise NotFound(f"The newest scan has no file {named}.", "See `refact-tui scan files`.")
    return rows


async def touched(ctx: Context, patterns: Sequence[str]) -> wire.Touched:
    """How many files a mask would match, and how many of those are accepted now. Raises BadRequest."""
    spec = masks(patterns)
    files = accepted = 0
    after = 0
    while rows := await ctx.db.fetch_all(
        "SELECT id, path, verdict FROM files "
        "WHERE project_id = ? AND id > ? AND verdict IS NOT NULL ORDER BY id LIMIT ?",
        (ctx.project, after, PAGE),
    ):
        matched = await asyncio.to_thread(_matched, spec, rows)
        files += len(matched)
        accepted += sum(row["verdict"] == "accepted" for row in matched)
        after = rows[-1]["id"]
    return wire.Touched(files=files, accepted=accepted)


def _matched(spec: GitIgnoreSpec, rows: Sequence[sqlite3.Row]) -> list[sqlite3.Row]:
    return [row for row in rows if spec.match_file(row["path"])]


async def _no_scan_under_way(ctx: Context) -> None:
    scan = await run.current(ctx)
    if scan and run.alive(ctx, scan):
        raise Conflict("A scan is under way.", "Change it when the scan is done, or stop the scan.")
