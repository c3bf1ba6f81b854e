"""Contents of scanned files, compressed and keyed by sha256: the same file in ten sources is stored once."""

import sqlite3
import zlib
from collections.abc import Iterable
from pathlib import Path


class ContentStore:
    """Blocking, for one thread of one process; several processes may have it open. Raises sqlite3.Error."""

    def __init__(self, path: Path, read_only: bool = False) -> None:
        if read_only:
            self._connection = sqlite3.connect(f"{path.absolute().as_uri()}?mode=ro", uri=True, timeout=10)
            return
        self._connection = sqlite3.connect(path, isolation_level=None, timeout=30)
        self._connection.execute("PRAGMA journal_mode=WAL")
        self._connection.execute("PRAGMA synchronous=NORMAL")
        self._connection.execute(
            "CREATE TABLE IF NOT EXISTS contents(sha256 TEXT PRIMARY KEY, data BLOB NOT NULL) WITHOUT ROWID"
        )
        self._connection.execute(
            "CREATE TABLE IF NOT EXISTS signatures(sha256 TEXT PRIMARY KEY, words BLOB NOT NULL) WITHOUT ROWID"
        )

    def put_many(self, items: Iterable[tuple[str, bytes]]) -> None:
        """Keep (sha256, bytes) pairs, all or none; what is there already stays."""
        self.put_packed((sha256, zlib.compress(data, 1)) for sha256, data in items)

    def put_packed(self, items: Iterable[tuple[str, bytes]]) -> None:
        """The same for bytes that zlib has compressed already."""
        rows = list(items)
        if not rows:
            return
        self._connection.execute("BEGIN IMMEDIATE")
        try:
            self._connection.executemany("INSERT OR IGNORE INTO contents(sha256, data) VALUES (?, ?)", rows)
            self._connection.execute("COMMIT")
        except BaseException:
            self._connection.execute("ROLLBACK")
            raise

    def put_signatures(self, items: Iterable[tuple[str, bytes]]) -> None:
        """Keep (sha256, signature) pairs, by which contents that are nearly the same are found."""
        if rows := list(items):
            self._connection.executemany("INSERT OR REPLACE INTO signatures(sha256, words) VALUES (?, ?)", rows)

    def signature(self, sha256: str) -> bytes | None:
        """That of one content, or None where it has none."""
        row = self._connection.execute("SELECT words FROM signatures WHERE sha256 = ?", (sha256,)).fetchone()
        return row[0] if row else None

    def get(self, sha256: str) -> bytes | None:
        """The bytes, or None where they are not kept."""
        row = self._connection.execute("SELECT data FROM contents WHERE sha256 = ?", (sha256,)).fetchone()
        return zlib.decompress(row[0]) if row else None

    def close(self) -> None:
        """Give the file back."""
        self._connection.close()
