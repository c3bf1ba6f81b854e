"""The step between the stages, in the scan's own process: which contents are nearly the same."""

import hashlib
import json
import sqlite3
from collections.abc import Callable, Iterator
from functools import lru_cache, partial
from pathlib import Path
from typing import Any

from backend.scan.cores import Cores
from backend.scan.duplicates import Index, Lines, alike, telling
from backend.scan.rules import BEFORE
from backend.scan.text import decode
from backend.store.content import ContentStore

IN_ORDER = (
    "SELECT f.sha256 FROM files f JOIN sources s ON s.id = f.source_id "
    "WHERE f.project_id = ? AND (f.stage1_reason IS NULL OR f.stage1_reason IN (SELECT value FROM json_each(?))) "
    "AND f.sha256 != '' ORDER BY s.set_name != 'test', s.id, f.path"
)
"""As `table.in_order` has them, with those that a mask may bring in."""
BATCH = 500
KEPT = 2048
"""Texts whose lines a process keeps while it compares a batch."""
Pairs = list[tuple[bytes, list[bytes]]]
Emit = Callable[[dict[str, Any]], None]


def near(state: Path, content: Path, project: int, before: str, emit: Emit) -> None:
    """Tell every near-duplicate of a project, after `begin` with a fingerprint; only `same` where that is `before`."""
    connection = sqlite3.connect(f"{state.as_uri()}?mode=ro", uri=True, timeout=10)
    try:
        contents = list(_distinct(connection, project))
        fingerprint = hashlib.sha256(b"".join(contents)).hexdigest()
        if fingerprint == before:
            emit({"kind": "same"})
            return
        emit({"kind": "begin", "fingerprint": fingerprint})
        _tell(contents, content, emit)
    finally:
        connection.close()


def _distinct(connection: sqlite3.Connection, project: int) -> Iterator[bytes]:
    """The contents in their order, each once, as 32 bytes: a million of them must fit."""
    seen: set[bytes] = set()
    for (sha256,) in connection.execute(IN_ORDER, (project, json.dumps(sorted(BEFORE)))):
        raw = bytes.fromhex(sha256)
        if raw not in seen:
            seen.add(raw)
            yield raw


def _tell(contents: list[bytes], content: Path, emit: Emit) -> None:
    cores = Cores()
    try:
        for rows in cores.each(partial(_compared, content), _candidates(contents, content)):
            if rows:
                emit({"kind": "near", "rows": rows})
    finally:
        cores.close()


def _candidates(contents: list[bytes], content: Path) -> Iterator[Pairs]:
    """Contents with the earlier ones that each has to be compared with, some hundred at a time."""
    index, signed = _index(contents, content)
    some: Pairs = []
    for late, earlier in index.candidates():
        some.append((signed[late], [signed[early] for early in earlier]))
        if len(some) >= BATCH:
            yield some
            some = []
    if some:
        yield some


def _index(contents: list[bytes], content: Path) -> tuple[Index, list[bytes]]:
    """The signatures of all that have one, and whose they are."""
    index, signed, store = Index(len(contents)), list[bytes](), ContentStore(content)
    try:
        for start in range(0, len(contents), BATCH):
            some = contents[start : start + BATCH]
            known = store.signatures([raw.hex() for raw in some])
            found = [(raw, words) for raw in some if (words := known.get(raw.hex()))]
            index.add([words for _, words in found])
            signed += [raw for raw, _ in found]
    finally:
        store.close()
    return index, signed


def _compared(content: Path, pairs: Pairs) -> list[list[Any]]:
    """[sha256, twin's sha256, similarity] of those that are alike; on any core."""
    store = ContentStore(content, read_only=True)

    @lru_cache(maxsize=KEPT)
    def read(raw: bytes) -> Lines:
        return telling(decode(store.get(raw.hex()) or b"") or "")

    try:
        found = [twin for late, earlier in pairs for twin in alike(late, earlier, read)]
    finally:
        store.close()
    return [[twin.sha256.hex(), twin.twin.hex(), twin.similarity] for twin in found]
