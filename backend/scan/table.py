"""The rows of `files` and `losses` as a scan writes and reads them."""

import base64
import json
import sqlite3
from collections.abc import AsyncIterator, Iterable
from dataclasses import dataclass
from typing import Any

from backend.context import Context
from backend.scan.text import TEXT_FORMAT

PAGE = 5000
LONGEST_CONTEXT = 2048
UPSERT = (
    "INSERT INTO files(project_id, source_id, path, size, sha256, language, text_ok, stage1_reason, stage1_detail, "
    "secret, warnings, commits_ago, seen) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?) "
    "ON CONFLICT(source_id, path) DO UPDATE SET "
    "size = excluded.size, sha256 = excluded.sha256, language = excluded.language, text_ok = excluded.text_ok, "
    "stage1_reason = excluded.stage1_reason, stage1_detail = excluded.stage1_detail, secret = excluded.secret, "
    "warnings = excluded.warnings, commits_ago = excluded.commits_ago, seen = excluded.seen"
)
JUDGED = "UPDATE files SET verdict = ?, reason = ?, detail = ?, loss = ?, set_name = NULL WHERE id = ?"


@dataclass(frozen=True)
class LossKey:
    """What a loss depends on besides the content."""

    model: str
    context: int

    @property
    def values(self) -> tuple[str, int, str]:
        """As the table of losses knows it: model, context in tokens, form of the text."""
        return self.model, self.context, TEXT_FORMAT


async def write_files(ctx: Context, scan_id: int, source_id: int, rows: Iterable[list[Any]]) -> None:
    """Keep what stage 1 found. A source that was removed meanwhile is passed over."""
    if await ctx.db.fetch_one("SELECT 1 FROM sources WHERE id = ?", (source_id,)):
        await ctx.db.execute_many(UPSERT, [(ctx.project, source_id, *row, scan_id) for row in rows])


async def forget_unseen(ctx: Context, scan_id: int, source_id: int) -> None:
    """Drop the rows of files that the source no longer has."""
    await ctx.db.execute("DELETE FROM files WHERE source_id = ? AND seen != ?", (source_id, scan_id))


async def language_counts(ctx: Context) -> dict[str, int]:
    """Files of each language that could be trained on, were it switched on."""
    rows = await ctx.db.fetch_all(
        "SELECT language, COUNT(*) AS files FROM files "
        "WHERE project_id = ? AND language IS NOT NULL AND stage1_reason IS NULL GROUP BY language",
        (ctx.project,),
    )
    return {row["language"]: row["files"] for row in rows}


async def in_order(ctx: Context, key: LossKey | None) -> AsyncIterator[list[sqlite3.Row]]:
    """All files in pages, with `known_loss` and `tokens`; held-out sources first, lest theirs be duplicates."""
    join = "LEFT JOIN losses l ON l.sha256 = f.sha256 AND l.model = ? AND l.context = ? AND l.text_format = ?"
    values = key.values if key else ("", 0, "")
    sources = await ctx.db.fetch_all(
        "SELECT id FROM sources WHERE project_id = ? ORDER BY set_name != 'test', id", (ctx.project,)
    )
    for source in sources:
        after = ""
        while True:
            rows = await ctx.db.fetch_all(
                f"SELECT f.*, l.loss AS known_loss, l.tokens AS tokens FROM files f {join} "
                "WHERE f.source_id = ? AND f.path > ? ORDER BY f.path LIMIT ?",
                (*values, source["id"], after, PAGE),
            )
            if not rows:
                break
            yield rows
            after = rows[-1]["path"]


async def paths_of(ctx: Context, files: set[int]) -> dict[int, tuple[int, str, str]]:
    """Source's number and name, and path, of files by their numbers."""
    rows = await ctx.db.fetch_all(
        "SELECT f.id, f.source_id, s.name, f.path FROM files f JOIN sources s ON s.id = f.source_id "
        "WHERE f.id IN (SELECT value FROM json_each(?))",
        (json.dumps(sorted(files)),),
    )
    return {row["id"]: (row["source_id"], row["name"], row["path"]) for row in rows}


async def near_of(ctx: Context, contents: set[str]) -> dict[str, list[tuple[str, float]]]:
    """Contents that are nearly the same as one of these, and how similar, the most similar first."""
    found: dict[str, list[tuple[str, float]]] = {}
    rows = await ctx.db.fetch_all(
        "WITH these AS (SELECT value AS sha256 FROM json_each(?)) "
        "SELECT sha256, twin, similarity FROM near WHERE project_id = ? AND sha256 IN these UNION ALL "
        "SELECT twin, sha256, similarity FROM near WHERE project_id = ? AND twin IN these ORDER BY 3 DESC, 2",
        (json.dumps(sorted(contents)), ctx.project, ctx.project),
    )
    for row in rows:
        found.setdefault(row["sha256"], []).append((row["twin"], row["similarity"]))
    return found


async def accepted_of_auto(ctx: Context, key: LossKey | None) -> AsyncIterator[list[sqlite3.Row]]:
    """Accepted files of sources that are split by us, in pages, with their tokens where those are known."""
    values, after = key.values if key else ("", 0, ""), 0
    while rows := await ctx.db.fetch_all(
        "SELECT f.id, s.name, f.path, f.language, f.size, f.commits_ago, l.tokens FROM files f "
        "JOIN sources s ON s.id = f.source_id AND s.set_name = 'auto' "
        "LEFT JOIN losses l ON l.sha256 = f.sha256 AND l.model = ? AND l.context = ? AND l.text_format = ? "
        "WHERE f.project_id = ? AND f.verdict = 'accepted' AND f.id > ? ORDER BY f.id LIMIT ?",
        (*values, ctx.project, after, PAGE),
    ):
        yield rows
        after = rows[-1]["id"]


async def write_sets(ctx: Context, held_out: set[int]) -> None:
    """Every accepted file's set: that of its source, or `test` for those held out and `train` for the rest."""
    chosen = json.dumps(sorted(held_out))
    wanted = (
        "CASE WHEN (SELECT set_name FROM sources s WHERE s.id = files.source_id) = 'test' "
        "OR files.id IN (SELECT value FROM json_each(?)) THEN 'test' ELSE 'train' END"
    )
    await ctx.db.execute(
        f"UPDATE files SET set_name = {wanted} "
        f"WHERE project_id = ? AND verdict = 'accepted' AND set_name IS NOT {wanted}",
        (chosen, ctx.project, chosen),
    )


async def unscored(ctx: Context, key: LossKey) -> list[tuple[str, int]]:
    """Contents and sizes of accepted files that have no loss yet."""
    rows = await ctx.db.fetch_all(
        "SELECT DISTINCT f.sha256, f.size FROM files f "
        "WHERE f.project_id = ? AND f.verdict = 'accepted' AND NOT EXISTS (SELECT 1 FROM losses l "
        "WHERE l.sha256 = f.sha256 AND l.model = ? AND l.context = ? AND l.text_format = ?)",
        (ctx.project, *key.values),
    )
    return [(row["sha256"], row["size"]) for row in rows]


async def write_near(ctx: Context, rows: Iterable[list[Any]]) -> None:
    """Keep near-duplicates: [sha256, twin's sha256, similarity]."""
    await ctx.db.execute_many(
        "INSERT OR REPLACE INTO near(project_id, sha256, twin, similarity) VALUES (?, ?, ?, ?)",
        [(ctx.project, *row) for row in rows],
    )


async def write_losses(ctx: Context, key: LossKey, rows: Iterable[list[Any]]) -> None:
    """Keep what stage 2 found: [sha256, loss or None, tokens, packed lines in base64]."""
    await ctx.db.execute_many(
        "INSERT OR REPLACE INTO losses(sha256, model, context, text_format, loss, tokens, lines) "
        "VALUES (?, ?, ?, ?, ?, ?, ?)",
        [(sha, *key.values, loss, tokens, base64.b64decode(lines)) for sha, loss, tokens, lines in rows],
    )
