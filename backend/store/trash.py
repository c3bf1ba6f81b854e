"""The trash on disk: a folder for each thing that was deleted, with its files and its rows, until its time is over."""

import asyncio
import json
import re
import shutil
import sqlite3
import time
from collections.abc import AsyncIterator, Collection, Mapping, Sequence
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from backend import wire
from backend.errors import NotFound
from backend.paths import Paths
from backend.store.database import Database, Transaction

KEPT_S = wire.TRASH_DAYS * 24 * 3600.0
TOLD = "rows.json"
ROWS = "rows.db"
CONTENT = "content"
UNSAFE = re.compile(r"[^\w.:+-]+")
PAGE = 5000
Where = tuple[str, Sequence[Any]]
"""Which rows of a table: a condition and its values."""


@dataclass(frozen=True)
class Thrown:
    """One thing in the trash; `told` is whatever its kind has to know to bring it back."""

    folder: Path
    kind: wire.TrashKind
    name: str
    project: str
    at: float
    """Seconds since the epoch."""
    size: int
    told: dict[str, Any]

    @property
    def content(self) -> Path:
        """Its files."""
        return self.folder / CONTENT


def throw(
    paths: Paths,
    kind: wire.TrashKind,
    name: str,
    *,
    project: str = "",
    told: Mapping[str, Any] | None = None,
    rows: Mapping[str, Where] | None = None,
) -> Thrown:
    """Make a folder for it, with a copy of its rows by their tables; its files follow with `take`."""
    folder = paths.trash / f"{time.time_ns()}-{UNSAFE.sub('_', name)[:80]}"
    (folder / CONTENT).mkdir(parents=True, mode=0o700)
    if rows:
        _copy(paths.database, folder / ROWS, rows)
    thrown = Thrown(folder, kind, name, project, time.time(), 0, dict(told or {}))
    return take(thrown, {})


def take(thrown: Thrown, files: Mapping[str, Path]) -> Thrown:
    """Move what there is of these files into the folder, each by its name there; an empty name is all of it."""
    for name, path in files.items():
        if path.exists():
            into = thrown.content / name if name else thrown.content
            if into.is_dir() and not name:
                into.rmdir()
            path.rename(into)
    size = sum(one.lstat().st_blocks * 512 for one in thrown.folder.rglob("*"))
    known = {"kind": thrown.kind, "name": thrown.name, "project": thrown.project, "size": size}
    draft = thrown.folder / f"{TOLD}.part"
    draft.write_text(json.dumps({**known, **thrown.told}))
    draft.replace(thrown.folder / TOLD)
    return Thrown(thrown.folder, thrown.kind, thrown.name, thrown.project, thrown.at, size, thrown.told)


def put(thrown: Thrown, name: str, path: Path) -> None:
    """Move files of it, if there are any of that name, to where they belong. Raises OSError where they cannot be."""
    kept = thrown.content / name
    if kept.exists():
        path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        kept.rename(path)


def everything(paths: Paths) -> list[Thrown]:
    """All that is in the trash, the newest first; what was half thrown away when an engine died is left out."""
    found = [_read(folder) for folder in paths.trash.iterdir()] if paths.trash.is_dir() else []
    return sorted((one for one in found if one), key=lambda one: one.folder.name, reverse=True)


def find(paths: Paths, name: str, kind: wire.TrashKind | None = None) -> Thrown:
    """What was thrown away last by this name, or has it as its folder's. Raises NotFound."""
    for one in everything(paths):
        if name in (one.name, one.folder.name) and kind in (None, one.kind):
            return one
    raise NotFound(f"There is no {name!r} in the trash.", f"It keeps things for {wire.TRASH_DAYS} days.")


def drop(thrown: Thrown) -> None:
    """It is gone for good, or has been brought back."""
    shutil.rmtree(thrown.folder, ignore_errors=True)


def expire(paths: Paths) -> bool:
    """What has lain there for its time is gone for good; whether there was something."""
    there = list(paths.trash.iterdir()) if paths.trash.is_dir() else []
    old = [folder for folder in there if time.time() - _thrown_at(folder) > KEPT_S]
    for folder in old:
        shutil.rmtree(folder, ignore_errors=True)
    return bool(old)


async def rows_of(thrown: Thrown, table: str) -> AsyncIterator[list[dict[str, Any]]]:
    """The rows that were kept of a table, in pages."""
    after = 0

    def page() -> list[sqlite3.Row]:
        with closing(sqlite3.connect(thrown.folder / ROWS)) as connection:
            connection.row_factory = sqlite3.Row
            asked = f"SELECT rowid AS _at, * FROM {table} WHERE rowid > ? ORDER BY rowid LIMIT ?"
            return connection.execute(asked, (after, PAGE)).fetchall()

    while found := await asyncio.to_thread(page):
        after = found[-1]["_at"]
        yield [{name: row[name] for name in row.keys() if name != "_at"} for row in found]  # noqa: SIM118


async def first(thrown: Thrown, table: str) -> dict[str, Any]:
    """The first row that was kept of a table, which has one. Raises OSError where somebody has changed the trash."""
    async for page in rows_of(thrown, table):
        return page[0]
    raise OSError(f"{thrown.folder} has no row of {table}")


async def columns(db: Database, table: str) -> set[str]:
    """What a table has now: what was thrown away may be older than the newest migration."""
    return {row["name"] for row in await db.fetch_all("SELECT name FROM pragma_table_info(?)", (table,))}


async def number(db: Database, table: str, wanted: int, given: Collection[int] = ()) -> int:
    """The id that a row had, or the next one where another row has it now; `given` are those of rows yet to come."""
    if wanted not in given and not await db.fetch_one(f"SELECT 1 FROM {table} WHERE id = ?", (wanted,)):
        return wanted
    top = await db.fetch_one(f"SELECT COALESCE(MAX(id), 0) AS top FROM {table}")
    return max(top["top"] if top else 0, wanted, *given) + 1


async def insert(change: Transaction, table: str, known: set[str], rows: Sequence[Mapping[str, Any]]) -> None:
    """Put rows of one form back, without the columns that there are no longer."""
    if rows:
        names = [name for name in rows[0] if name in known]
        marks = ", ".join("?" * len(names))
        await change.execute_many(
            f"INSERT INTO {table}({', '.join(names)}) VALUES ({marks})",
            [tuple(row[name] for name in names) for row in rows],
        )


def _copy(database: Path, into: Path, rows: Mapping[str, Where]) -> None:
    with closing(sqlite3.connect(into, uri=True, isolation_level=None, timeout=10)) as connection:
        connection.execute("ATTACH ? AS live", (f"{database.absolute().as_uri()}?mode=ro",))
        connection.execute("BEGIN")
        for table, (condition, values) in rows.items():
            connection.execute(f"CREATE TABLE {table} AS SELECT * FROM live.{table} WHERE 0")
            connection.execute(f"INSERT INTO {table} SELECT * FROM live.{table} WHERE {condition}", tuple(values))
        connection.execute("COMMIT")


def _read(folder: Path) -> Thrown | None:
    try:
        told = json.loads((folder / TOLD).read_text())
    except (OSError, ValueError):
        return None
    # What the first versions threw away says nothing of itself: it was a run, or a checkpoint of one.
    kind: wire.TrashKind
    name = told.pop("name", None) or folder.name.partition("-")[2]
    kind = told.pop("kind", None) or ("run" if told.get("rows", {}).get("runs") else "checkpoint")
    return Thrown(folder, kind, name, told.pop("project", ""), _thrown_at(folder), told.pop("size", 0), told)


def _thrown_at(folder: Path) -> float:
    """Seconds since the epoch; now, for what is none of ours."""
    at = folder.name.partition("-")[0]
    return int(at) / 1e9 if at.isdigit() else time.time()
