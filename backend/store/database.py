"""The state database: one writer whose transactions stand in line, a few readers beside it, WAL between them."""

import asyncio
import sqlite3
from collections.abc import AsyncIterator, Hashable, Iterable, Sequence
from contextlib import asynccontextmanager, suppress
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import aiosqlite

from backend.errors import RefactError
from backend.store.migrations import migrate

READERS = 2
PRAGMAS = (
    "PRAGMA journal_mode=WAL",
    "PRAGMA synchronous=NORMAL",
    "PRAGMA foreign_keys=ON",
    "PRAGMA busy_timeout=10000",
)


def now() -> str:
    """The time in ISO 8601, UTC, to the millisecond."""
    return datetime.now(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


class Transaction:
    """Statements that take effect together or not at all."""

    def __init__(self, connection: aiosqlite.Connection) -> None:
        self._connection = connection

    async def execute(self, sql: str, values: Sequence[Any] = ()) -> int:
        """Run one statement; returns the id of the row it inserted, if it did."""
        async with self._connection.execute(sql, values) as cursor:
            return cursor.lastrowid or 0

    async def execute_many(self, sql: str, rows: Iterable[Sequence[Any]]) -> None:
        """Run one statement for each row."""
        async with self._connection.executemany(sql, rows):
            pass


class Database:
    """Open it with `await Database.open(path)`; every method may be called from any task of the loop."""

    def __init__(self, writer: aiosqlite.Connection, readers: list[aiosqlite.Connection]) -> None:
        self._writer, self._all_readers = writer, readers
        self._turn = asyncio.Lock()
        self.writes = 0
        """Transactions so far."""
        self._answers: dict[Any, Any] = {}
        self._readers: asyncio.Queue[aiosqlite.Connection] = asyncio.Queue()
        for reader in readers:
            self._readers.put_nowait(reader)

    @classmethod
    async def open(cls, path: Path) -> "Database":
        """Migrate and open the file. Raises RefactError where it is damaged, unreadable, or of a newer version."""
        try:
            await asyncio.to_thread(migrate, path)
            writer = await _connect(path)
            return cls(writer, [await _connect(path) for _ in range(READERS)])
        except sqlite3.Error as error:
            raise RefactError(
                f"The state in {path} cannot be opened: {error}.", "Free some space, or restore it from a backup."
            ) from error

    async def close(self) -> None:
        """Wait for the transaction under way, then close every connection."""
        async with self._turn:
            for connection in (*self._all_readers, self._writer):
                await connection.close()

    @asynccontextmanager
    async def transaction(self) -> AsyncIterator[Transaction]:
        """A transaction of its own, begun when those before it have ended; an exception rolls it back."""
        async with self._turn:
            try:
                # Whoever is cancelled here may have begun: the connection's thread does what it was told.
                await asyncio.shield(self._writer.execute("BEGIN IMMEDIATE"))
                yield Transaction(self._writer)
                await asyncio.shield(self._writer.commit())
            except BaseException:
                with suppress(sqlite3.Error):
                    await asyncio.shield(self._writer.rollback())
                raise
            finally:
                self.writes += 1
                self._answers.clear()

    async def execute(self, sql: str, values: Sequence[Any] = ()) -> int:
        """One statement as a transaction; returns the id of the row it inserted, if it did."""
        async with self.transaction() as transaction:
            return await transaction.execute(sql, values)

    async def execute_many(self, sql: str, rows: Iterable[Sequence[Any]]) -> None:
        """One statement for each row, as one transaction."""
        async with self.transaction() as transaction:
            await transaction.execute_many(sql, rows)

    async def fetch_one(self, sql: str, values: Sequence[Any] = ()) -> sqlite3.Row | None:
        """The first row of a query, or None."""
        async with self._reader() as reader, reader.execute(sql, values) as cursor:
            return await cursor.fetchone()

    async def fetch_all(self, sql: str, values: Sequence[Any] = ()) -> list[sqlite3.Row]:
        """All rows of a query."""
        async with self._reader() as reader, reader.execute(sql, values) as cursor:
            return list(await cursor.fetchall())

    def remember(self, question: Hashable, answer: Any, writes: int) -> None:
        """Keep what a long query has told, until something is written; `writes` are those before it began."""
        if writes == self.writes:
            self._answers[question] = answer

    def remembered(self, question: Hashable) -> Any:
        """The answer, or None where there is none that still holds."""
        return self._answers.get(question)

    @asynccontextmanager
    async def _reader(self) -> AsyncIterator[aiosqlite.Connection]:
        reader = await self._readers.get()
        try:
            yield reader
        finally:
            self._readers.put_nowait(reader)


async def _connect(path: Path) -> aiosqlite.Connection:
    connection = await aiosqlite.connect(path, isolation_level=None)
    connection.row_factory = sqlite3.Row
    for pragma in PRAGMAS:
        await connection.execute(pragma)
    return connection
