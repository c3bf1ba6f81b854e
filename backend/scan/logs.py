"""Accepted and rejected files as two text files beside the state, for those who read with grep."""

import asyncio
from functools import partial
from pathlib import Path
from typing import IO

from backend.context import DEFAULT, Context

PAGE = 20_000
PAUSE_S = 3.0
"""Seconds after the last of a row of changes; a key that moves the threshold may be held down."""
HEADS = {"accepted": "source\tpath\tlanguage\tset\tloss", "rejected": "source\tpath\tlanguage\treason\tdetail"}
COLUMNS = {
    "accepted": "f.set_name, COALESCE(ROUND(f.loss, 4), '-')",
    "rejected": "f.reason, f.detail",
}


def path_of(ctx: Context, verdict: str) -> Path:
    """Where the log of a verdict lies; other projects than the default have their name in it."""
    suffix = "" if ctx.project == DEFAULT else f"-{ctx.project_name}"
    return ctx.paths.scans / f"{verdict}{suffix}.log"


def write_at_a_pause(ctx: Context) -> None:
    """Both logs, when nothing has been changed for PAUSE_S; an engine that is killed before leaves the older ones."""
    ctx.pauses.after(PAUSE_S, _name(ctx), partial(_write_both, ctx.pinned()))


async def write(ctx: Context) -> None:
    """Both logs, now."""
    await ctx.pauses.now(_name(ctx), partial(_write_both, ctx.pinned()))


def _name(ctx: Context) -> str:
    return f"writing the logs of project {ctx.project}"


async def _write_both(ctx: Context) -> None:
    """Each whole or as it was; a disk that is full costs the logs and nothing else."""
    if not ctx.project_name:
        return  # removed meanwhile
    for verdict in HEADS:
        part = path_of(ctx, verdict).with_suffix(".part")
        try:
            with part.open("w", encoding="utf-8", errors="backslashreplace") as file:
                await _write(ctx, verdict, file)
            part.replace(path_of(ctx, verdict))
        except OSError:
            part.unlink(missing_ok=True)


async def _write(ctx: Context, verdict: str, file: IO[str]) -> None:
    file.write(HEADS[verdict] + "\n")
    after = 0
    while rows := await ctx.db.fetch_all(
        f"SELECT f.id, s.name, f.path, COALESCE(f.language, '-'), {COLUMNS[verdict]} FROM files f "
        "JOIN sources s ON s.id = f.source_id "
        "WHERE f.project_id = ? AND f.verdict = ? AND f.id > ? ORDER BY f.id LIMIT ?",
        (ctx.project, verdict, after, PAGE),
    ):
        lines = ("\t".join(str(value) for value in tuple(row)[1:]) + "\n" for row in rows)
        await asyncio.to_thread(file.writelines, lines)
        after = rows[-1]["id"]
