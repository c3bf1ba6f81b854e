"""Contents of scanned files, compressed and keyed by sha256: the same file in ten sources is stored once."""

import sqlite3
import zlib
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path

import zstandard

LEVEL = 1
PRAGMAS = ("PRAGMA journal_mode=WAL", "PRAGMA synchronous=NORMAL", "PRAGMA wal_autocheckpoint=16000")
"""What is written goes to its place every 64 MB: each time the writer waits for the disk."""
TABLES = (
    # Rows in the order they come, and an index beside them: sorted by their hashes each would be written anywhere.
    "CREATE TABLE IF NOT EXISTS contents(sha256 TEXT PRIMARY KEY, data BLOB NOT NULL)",
    "CREATE TABLE IF NOT EXISTS signatures(sha256 TEXT PRIMARY KEY, words BLOB NOT NULL)",
)
"""A store that an older version has made keeps its form."""


def packer() -> Callable[[bytes], bytes]:
    """Compresses contents as the store keeps them; for one thread."""
    return zstandard.ZstdCompressor(level=LEVEL).compress


class ContentStore:
    """Blocking, for one thread of one process; several processes may have it open. Raises sqlite3.Error."""

    def __init__(self, path: Path, read_only: bool = False) -> None:
        self._unpacker = zstandard.ZstdDecompressor()
        if read_only:
            self._connection = sqlite3.connect(f"{path.absolute().as_uri()}?mode=ro", uri=True, timeout=10)
            return
        self._connection = sqlite3.connect(path, isolation_level=None, timeout=30)
        for pragma in PRAGMAS:
            self._connection.execute(pragma)
        for table in TABLES:
            self._connection.execute(table)

    def put_many(self, items: Iterable[tuple[str, bytes]]) -> None:
        """Keep (sha256, bytes) pairs, all or none; what is there already stays."""
        pack = packer()
        self.put_packed((sha256, pack(data)) for sha256, data in items)

    def put_packed(self, items: Iterable[tuple[str, bytes]], signatures: Iterable[tuple[str, bytes]] = ()) -> None:
        """The same for bytes that a `packer` has compressed already, and signatures by which twins are found."""
        self._connection.execute("BEGIN IMMEDIATE")
        try:
            self._connection.executemany("INSERT OR IGNORE INTO contents(sha256, data) VALUES (?, ?)", items)
            self._connection.executemany("INSERT OR REPLACE INTO signatures(sha256, words) VALUES (?, ?)", signatures)
            self._connection.execute("COMMIT")
        except BaseException:
            self._connection.execute("ROLLBACK")
            raise

    def signatures(self, contents: Sequence[str]) -> dict[str, bytes]:
        """Those of some hundred contents, by sha256; of a text with too little in it there is none."""
        marks = ", ".join("?" * len(contents))
        return dict(
            self._connection.execute(f"SELECT sha256, words FROM signatures WHERE sha256 IN ({marks})", contents)
        )

    def get(self, sha256: str) -> bytes | None:
        """The bytes, or None where they are not kept."""
        row = self._connection.execute("SELECT data FROM contents WHERE sha256 = ?", (sha256,)).fetchone()
        if row is None:
            return None
        packed: bytes = row[0]
        # The first versions packed with zlib.
        zstd = packed.startswith(zstandard.FRAME_HEADER)
        return self._unpacker.decompress(packed) if zstd else zlib.decompress(packed)

    def close(self) -> None:
        """Give the file back."""
        self._connection.close()
