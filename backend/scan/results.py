"""What a scan found, as lists and previews: paged in SQL, so that a million files cost what a screen of them costs."""

import asyncio
import re
import sqlite3
from dataclasses import dataclass
from typing import Any, Literal

from backend import wire
from backend.context import Context
from backend.errors import BadRequest, NotFound
from backend.models import catalog as models
from backend.scan import run
from backend.scan.filter import condition
from backend.scan.lines import unpack_lines
from backend.scan.table import LONGEST_CONTEXT, LossKey
from backend.scan.text import decode
from backend.scan.warnings import told
from backend.store.content import ContentStore

LONGEST_PAGE = 100_000
PREVIEW = 200_000
"""Characters of a preview."""
SELECT = (
    "SELECT f.id, f.path, s.name AS source, f.language, f.size, f.verdict, f.reason, f.detail, f.loss, f.set_name, "
    "f.commits_ago, f.sha256, f.warnings "
    "FROM files f JOIN sources s ON s.id = f.source_id"
)
FILTERED = {
    *("project_id", "verdict", "id", "path", "size", "loss", "set_name", "language", "reason", "source_id"),
}
"""Columns of the index that is looked through for what a person types."""
BY_FILTER = "INDEXED BY files_to_filter"
COLUMN = re.compile(r"\bf\.(\w+)")


@dataclass(frozen=True)
class AcceptedFile:
    """One file that may be trained on."""

    sha256: str
    path: str
    source: str
    language: str
    set: Literal["train", "test"]
    loss: float | None
    size: int
    tokens: int | None = None
    """As the scan's model counts; None where stage 2 has not run."""


async def page(
    ctx: Context,
    *,
    verdict: str | None = None,
    reason: str | None = None,
    source: str | None = None,
    language: str | None = None,
    text: str | None = None,
    limit: int = 100,
    after: int | None = None,
    offset: int | None = None,
) -> wire.FilePage:
    """One page in the order of ids. Raises BadRequest for a filter that cannot be read."""
    if not 1 <= limit <= LONGEST_PAGE:
        raise BadRequest(f"A page has 1 to {LONGEST_PAGE:,} files, not {limit}.")
    wanted = {"f.verdict": verdict, "f.reason": reason, "f.language": language}
    parts = ["f.project_id = ?"] + (["f.verdict IS NOT NULL"] if verdict is None else [])
    parts += [f"{column} = ?" for column, value in wanted.items() if value is not None]
    values: list[Any] = [ctx.project]
    values += [value for value in wanted.values() if value is not None]
    if source is not None:
        parts.append("f.source_id IN (SELECT id FROM sources WHERE name = ?)")
        values.append(source)
    typed = condition(text or "")
    if typed.sql:
        parts.append(typed.sql)
        values += typed.values
    where = " AND ".join(parts)
    files = f"files f {BY_FILTER}" if typed.sql and verdict and set(COLUMN.findall(where)) <= FILTERED else "files f"
    # The numbers of the page are found in an index alone; only its rows are read.
    numbers = f"SELECT f.id FROM {files} WHERE {where} AND f.id > ? ORDER BY f.id LIMIT ? OFFSET ?"
    rows = await ctx.db.fetch_all(
        f"{SELECT} WHERE f.id IN ({numbers}) ORDER BY f.id", (*values, after or 0, limit + 1, offset or 0)
    )
    shown = [_file(row) for row in rows[:limit]]
    more = shown[-1].id if len(rows) > limit else None
    seen = len(shown) if not after and not offset else None
    return wire.FilePage(rows=shown, total=await _total(ctx, files, where, tuple(values), seen, more), after=more)


async def _total(
    ctx: Context, files: str, where: str, values: tuple[Any, ...], seen: int | None, more: int | None
) -> int:
    """All files of a filter, which are counted once until something is written.

    Of the first page `seen` were found already: only those after `more` are looked for."""
    question, writes = (where, values), ctx.db.writes
    total: int | None = ctx.db.remembered(question)
    if total is None:
        total = seen or 0
        if seen is None or more is not None:
            counting = f"SELECT COUNT(*) AS files FROM {files} WHERE {where} AND f.id > ?"
            row = await ctx.db.fetch_one(counting, (*values, 0 if seen is None else more))
            total += row["files"] if row else 0
        ctx.db.remember(question, total, writes)
    return total


async def preview(ctx: Context, file_id: int) -> wire.FilePreview:
    """The text of one file with its losses per line. Raises NotFound."""
    row = await ctx.db.fetch_one(f"{SELECT} WHERE f.id = ? AND f.verdict IS NOT NULL", (file_id,))
    if row is None:
        raise NotFound(
            "There is no such file in the newest scan.", "The list may be older than the scan; load it again."
        )
    file = _file(row)
    text = await asyncio.to_thread(_text, ctx, row["sha256"])
    if text is None:
        return wire.FilePreview(
            file=file, text="", note=f"No preview: {file.detail or file.reason or 'the content is gone'}."
        )
    note = "Only the beginning is shown." if len(text) > PREVIEW else ""
    return wire.FilePreview(
        file=file, text=text[:PREVIEW], line_losses=await _line_losses(ctx, row["sha256"]), note=note
    )


async def number_of(ctx: Context, sha256: str, path: str) -> int | None:
    """The newest scan's file with this content and path, None where there is none."""
    row = await ctx.db.fetch_one(
        "SELECT id FROM files WHERE project_id = ? AND path = ? AND sha256 = ? AND verdict IS NOT NULL LIMIT 1",
        (ctx.project, path, sha256),
    )
    return int(row["id"]) if row else None


async def accepted(ctx: Context) -> list[AcceptedFile]:
    """Every file that may be trained on, by its source and path."""
    key = await _key(ctx)
    rows = await ctx.db.fetch_all(
        "SELECT f.sha256, f.path, s.name AS source, f.language, f.set_name, f.loss, f.size, l.tokens FROM files f "
        "JOIN sources s ON s.id = f.source_id "
        "LEFT JOIN losses l ON l.sha256 = f.sha256 AND l.model = ? AND l.context = ? AND l.text_format = ? "
        "WHERE f.project_id = ? AND f.verdict = 'accepted' AND f.set_name IS NOT NULL ORDER BY s.id, f.path",
        (*(key.values if key else ("", 0, "")), ctx.project),
    )
    return [
        AcceptedFile(
            sha256=row["sha256"],
            path=row["path"],
            source=row["source"],
            language=row["language"],
            set=row["set_name"],
            loss=row["loss"],
            size=row["size"],
            tokens=row["tokens"],
        )
        for row in rows
    ]


async def _key(ctx: Context) -> LossKey | None:
    """What the newest scan's losses depend on; None before a scan with a model."""
    scan = await run.current(ctx)
    if scan is None or not scan.model:
        return None
    try:
        return LossKey(scan.model, min(models.get(ctx, scan.model).context, LONGEST_CONTEXT))
    except NotFound:
        return None


async def _line_losses(ctx: Context, sha256: str) -> list[float | None]:
    if (key := await _key(ctx)) is None:
        return []
    row = await ctx.db.fetch_one(
        "SELECT lines FROM losses WHERE sha256 = ? AND model = ? AND context = ? AND text_format = ?",
        (sha256, *key.values),
    )
    return unpack_lines(row["lines"]) if row else []


def _text(ctx: Context, sha256: str) -> str | None:
    if not sha256 or not ctx.paths.content.exists():
        return None
    store = ContentStore(ctx.paths.content, read_only=True)
    try:
        data = store.get(sha256)
    finally:
        store.close()
    return decode(data) if data is not None else None


def _file(row: sqlite3.Row) -> wire.ScannedFile:
    return wire.ScannedFile(
        id=row["id"],
        path=row["path"],
        source=row["source"],
        language=row["language"],
        size=row["size"],
        verdict=row["verdict"],
        reason=row["reason"],
        detail=row["detail"] or "",
        loss=row["loss"],
        set=row["set_name"],
        commits_ago=row["commits_ago"],
        warnings=told(row["warnings"]) if row["verdict"] == "accepted" else [],
    )
