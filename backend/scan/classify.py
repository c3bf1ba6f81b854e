"""Stage 1 in the scan's own process: read, hash, judge, store; what is known from the last scan is not judged again."""

import hashlib
import sqlite3
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import Any

from backend.errors import RefactError
from backend.scan.duplicates import signature
from backend.scan.rules import Judgement, judge
from backend.scan.text import decode
from backend.sources.members import Member, Place
from backend.sources.stream import members
from backend.store.content import ContentStore

BATCH = 200
BATCH_BYTES = 8 * 1024**2
Emit = Callable[[dict[str, Any]], None]
Known = dict[str, tuple[str, Judgement]]


def classify(places: list[Place], state: Path, content: Path, reuse: bool, emit: Emit) -> None:
    """Read every source and tell what its files are; a source that fails is told, and the others go on."""
    store = ContentStore(content)
    try:
        for place in places:
            refused: Counter[str] = Counter()
            try:
                _source(place, known(state, place.id) if reuse else {}, store, refused, emit)
            except (RefactError, OSError) as error:
                emit({"kind": "failed", "source": place.id, "message": str(error)})
            else:
                emit({"kind": "read", "source": place.id, "refused": dict(refused)})
    finally:
        store.close()


def known(state: Path, source_id: int) -> Known:
    """What the last scan found in a source, by path."""
    connection = sqlite3.connect(f"{state.as_uri()}?mode=ro", uri=True, timeout=10)
    try:
        rows = connection.execute(
            "SELECT path, sha256, language, text_ok, stage1_reason, stage1_detail FROM files "
            "WHERE source_id = ? AND sha256 != ''",
            (source_id,),
        )
        return {
            path: (sha, Judgement(language, bool(ok), reason, detail or ""))
            for path, sha, language, ok, reason, detail in rows
        }
    finally:
        connection.close()


def _source(place: Place, old: Known, store: ContentStore, refused: Counter[str], emit: Emit) -> None:
    rows: list[list[Any]] = []
    contents: dict[str, bytes] = {}
    signatures: dict[str, bytes] = {}
    waiting = 0

    def flush() -> None:
        nonlocal waiting
        store.put_many(contents.items())
        store.put_signatures(signatures.items())
        emit({"kind": "files", "source": place.id, "rows": rows})
        rows.clear()
        contents.clear()
        signatures.clear()
        waiting = 0

    for member in members(place, refused):
        sha = hashlib.sha256(member.data).hexdigest() if member.data is not None else ""
        before = old.get(member.path)
        if sha and before and before[0] == sha:
            found = before[1]
        else:
            found = _judge(member)
            # Text that was refused is kept too, for the preview; it is small and shared. A secret is kept nowhere.
            if sha and found.text_ok and found.reason != "secrets" and member.data is not None:
                contents[sha] = member.data
                waiting += len(member.data)
                if found.reason is None and (lines := signature(decode(member.data) or "")):
                    signatures[sha] = lines
        rows.append([member.path, member.size, sha, found.language, found.text_ok, found.reason, found.detail])
        if len(rows) >= BATCH or waiting >= BATCH_BYTES:
            flush()
    flush()


def _judge(member: Member) -> Judgement:
    return judge(member.path, member.size, member.data, member.error, member.head)
