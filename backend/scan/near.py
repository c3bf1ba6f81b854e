"""The step between the stages, in the scan's own process: which contents are nearly the same as an earlier one."""

import hashlib
import sqlite3
from collections.abc import Callable
from functools import lru_cache
from pathlib import Path
from typing import Any

from backend.scan.duplicates import Lines, find, telling
from backend.scan.text import decode
from backend.store.content import ContentStore

IN_ORDER = (
    "SELECT f.sha256 FROM files f JOIN sources s ON s.id = f.source_id "
    "WHERE f.stage1_reason IS NULL AND f.sha256 != '' ORDER BY s.set_name != 'test', s.id, f.path"
)
"""As `table.in_order` has them: the earlier of two is the one that stays."""
BATCH = 500
Emit = Callable[[dict[str, Any]], None]


def near(state: Path, content: Path, before: str, emit: Emit) -> None:
    """Tell every near-duplicate, after `begin` with a fingerprint; only `same` where that is `before`."""
    connection = sqlite3.connect(f"{state.as_uri()}?mode=ro", uri=True, timeout=10)
    store = ContentStore(content)
    try:
        contents = list(dict.fromkeys(sha for (sha,) in connection.execute(IN_ORDER)))
        fingerprint = hashlib.sha256("\n".join(contents).encode()).hexdigest()
        if fingerprint == before:
            emit({"kind": "same"})
            return
        emit({"kind": "begin", "fingerprint": fingerprint})
        _tell(contents, store, emit)
    finally:
        store.close()
        connection.close()


def _tell(contents: list[str], store: ContentStore, emit: Emit) -> None:
    @lru_cache(maxsize=4096)
    def read(sha256: str) -> Lines:
        return telling(decode(store.get(sha256) or b"") or "")

    signed = list(store.signatures(contents))
    rows: list[list[Any]] = []
    for found in find([sha for sha, _ in signed], (words for _, words in signed), read):
        rows.append([found.sha256, found.twin, found.similarity])
        if len(rows) >= BATCH:
            emit({"kind": "near", "rows": rows})
            rows = []
    emit({"kind": "near", "rows": rows})
