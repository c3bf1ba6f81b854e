"""State: all or nothing, one writer, and a form that only grows."""

import asyncio
import sqlite3
import zlib
from contextlib import closing, suppress
from pathlib import Path

import pytest

from backend.errors import RefactError
from backend.store.content import ContentStore
from backend.store.database import Database
from backend.store.migrations import MIGRATIONS, migrate


async def test_a_transaction_happens_whole_or_not_at_all(tmp_path: Path) -> None:
    database = await Database.open(tmp_path / "state.db")
    with pytest.raises(ZeroDivisionError):
        async with database.transaction() as change:
            await change.execute("INSERT INTO settings(name, value) VALUES ('a', '1')")
            raise ZeroDivisionError
    assert await database.fetch_one("SELECT * FROM settings") is None
    with pytest.raises(sqlite3.IntegrityError):
        await database.execute_many("INSERT INTO settings(name, value) VALUES (?, ?)", [("a", "1"), ("a", "2")])
    assert await database.fetch_all("SELECT * FROM settings") == []
    await database.close()


async def test_writers_stand_in_line_and_readers_see_what_is_written(tmp_path: Path) -> None:
    database = await Database.open(tmp_path / "state.db")

    async def add(number: int) -> None:
        async with database.transaction() as change:
            await change.execute("INSERT INTO settings(name, value) VALUES (?, ?)", (f"{number}", "1"))
            await asyncio.sleep(0)
            await change.execute("UPDATE settings SET value = '2' WHERE name = ?", (f"{number}",))

    await asyncio.gather(*(add(number) for number in range(50)))
    rows = await database.fetch_all("SELECT value FROM settings")
    assert [row["value"] for row in rows] == ["2"] * 50
    await database.close()


async def test_a_cancelled_writer_leaves_nothing_half_done(tmp_path: Path) -> None:
    database = await Database.open(tmp_path / "state.db")
    begun = asyncio.Event()

    async def hang() -> None:
        async with database.transaction() as change:
            await change.execute("INSERT INTO settings(name, value) VALUES ('a', '1')")
            begun.set()
            await asyncio.sleep(60)

    task = asyncio.create_task(hang())
    await begun.wait()
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    await database.execute("INSERT INTO settings(name, value) VALUES ('b', '1')")
    assert [row["name"] for row in await database.fetch_all("SELECT name FROM settings")] == ["b"]
    await database.close()


@pytest.mark.timeout(30)
async def test_cancelled_at_any_moment_the_next_writer_can_write(tmp_path: Path) -> None:
    database = await Database.open(tmp_path / "state.db")
    for number in range(120):
        task = asyncio.create_task(
            database.execute("INSERT INTO settings(name, value) VALUES (?, '1')", (f"{number}",))
        )
        for _ in range(number % 12):
            await asyncio.sleep(0 if number % 2 else 0.0001)
        task.cancel()
        with suppress(asyncio.CancelledError):
            await task
        await database.execute("INSERT INTO settings(name, value) VALUES (?, '2')", (f"after {number}",))
    rows = await database.fetch_all("SELECT value FROM settings")
    assert sum(row["value"] == "2" for row in rows) == 120
    assert len(rows) > 120, "some were too late to be cancelled"
    await database.close()


async def test_what_is_no_database_is_refused_in_words(tmp_path: Path) -> None:
    (tmp_path / "state.db").write_bytes(b"not a database at all" * 100)
    with pytest.raises(RefactError, match="cannot be opened"):
        await Database.open(tmp_path / "state.db")


def test_migrations_run_once_and_a_newer_file_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "state.db"
    ran: list[str] = []

    def second(connection: sqlite3.Connection) -> None:
        ran.append("second")
        connection.execute("CREATE TABLE more(id INTEGER)")

    migrate(path)
    migrate(path, (*MIGRATIONS, second))
    migrate(path, (*MIGRATIONS, second))
    assert ran == ["second"]
    with pytest.raises(RefactError, match=r"newer refact-tui \(it has second\)"):
        migrate(path)


def test_a_migration_that_breaks_leaves_the_form_of_before(tmp_path: Path) -> None:
    path = tmp_path / "state.db"
    migrate(path)

    def broken(connection: sqlite3.Connection) -> None:
        connection.execute("CREATE TABLE half(id INTEGER)")
        raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        migrate(path, (*MIGRATIONS, broken))
    connection = sqlite3.connect(path)
    assert connection.execute("SELECT COUNT(*) FROM sqlite_master WHERE name = 'half'").fetchone() == (0,)
    connection.close()
    migrate(path)


def test_contents_are_kept_once_and_given_back(tmp_path: Path) -> None:
    store = ContentStore(tmp_path / "content.db")
    store.put_many([("a", b"one"), ("b", bytes(range(256)) * 10)])
    store.put_many([("a", b"one")])
    reader = ContentStore(tmp_path / "content.db", read_only=True)
    assert (reader.get("a"), reader.get("b"), reader.get("c")) == (b"one", bytes(range(256)) * 10, None)
    reader.close()
    store.close()


def test_contents_that_an_older_version_has_packed_are_read_and_stay(tmp_path: Path) -> None:
    path = tmp_path / "content.db"
    with closing(sqlite3.connect(path)) as connection, connection:
        connection.execute("CREATE TABLE contents(sha256 TEXT PRIMARY KEY, data BLOB NOT NULL) WITHOUT ROWID")
        connection.execute("INSERT INTO contents VALUES ('a', ?)", (zlib.compress(b"one", 1),))
    store = ContentStore(path)
    store.put_many([("a", b"one"), ("b", b"two")])
    assert (store.get("a"), store.get("b")) == (b"one", b"two")
    store.close()


def test_pairs_of_near_duplicates_outlive_their_new_form(tmp_path: Path) -> None:
    path = tmp_path / "state.db"
    before = [one.__name__ for one in MIGRATIONS].index("near_in_pairs")
    migrate(path, MIGRATIONS[:before])
    with closing(sqlite3.connect(path, isolation_level=None)) as connection:
        connection.execute("INSERT INTO near VALUES (2, 'b', 'a', 0.9)")
        connection.execute("INSERT INTO settings VALUES ('scan.compared@2', '\"x\"')")
    migrate(path)
    with closing(sqlite3.connect(path, isolation_level=None)) as connection:
        connection.execute("INSERT INTO near VALUES (2, 'b', 'c', 0.9)")
        assert connection.execute("SELECT twin FROM near WHERE sha256 = 'b'").fetchall() == [("a",), ("c",)]
        assert connection.execute("SELECT * FROM settings").fetchall() == []  # the next scan compares anew
