"""Stage 1 in the scan's own process: read, judge on every core, store; what the last scan knows is not judged again."""

import sqlite3
from collections import Counter
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

from backend.errors import RefactError
from backend.scan.batch import Batch, Judges, Known
from backend.scan.rules import Judgement
from backend.sources.members import Member, Place
from backend.sources.stream import members
from backend.store.content import ContentStore

BATCH = 200
BATCH_BYTES = 8 * 1024**2
Emit = Callable[[dict[str, Any]], None]


def classify(places: list[Place], state: Path, content: Path, reuse: bool, emit: Emit) -> None:
    """Read every source and tell what its files are; a source that fails is told, and the others go on."""
    store, judges = ContentStore(content), Judges()
    try:
        for place in places:
            refused: Counter[str] = Counter()
            try:
                _source(place, known(state, place.id) if reuse else {}, store, judges, refused, emit)
            except (RefactError, OSError) as error:
                emit({"kind": "failed", "source": place.id, "message": str(error)})
            else:
                emit({"kind": "read", "source": place.id, "refused": dict(refused)})
    finally:
        judges.close()
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


def _source(place: Place, old: Known, store: ContentStore, judges: Judges, refused: Counter[str], emit: Emit) -> None:
    for results in judges.all(batches(members(place, refused), old)):
        store.put_packed((one.sha256, one.packed) for one in results if one.packed is not None)
        store.put_signatures((one.sha256, one.signature) for one in results if one.signature is not None)
        rows = [
            [one.path, one.size, one.sha256, one.found.language, one.found.text_ok, one.found.reason, one.found.detail]
            for one in results
        ]
        emit({"kind": "files", "source": place.id, "rows": rows})


def batches(found: Iterator[Member], old: Known) -> Iterator[Batch]:
    """The members, some hundred or some megabytes at a time, each with what was known of its path."""
    batch: Batch = []
    held = 0
    for member in found:
        batch.append((member, old.get(member.path)))
        held += len(member.data or b"")
        if len(batch) >= BATCH or held >= BATCH_BYTES:
            yield batch
            batch, held = [], 0
    if batch:
        yield batch
