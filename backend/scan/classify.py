"""Stage 1 in the scan's own process: read, judge on every core, store; what the last scan knows is not judged again."""

import sqlite3
import traceback
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any

from msgspec.structs import astuple

from backend.errors import RefactError
from backend.scan.batch import Batch, Judged, Known, judge_batch
from backend.scan.cores import Cores
from backend.scan.linguist.attributes import NAME, Attributes
from backend.scan.rules import Judgement
from backend.scan.text import decode
from backend.sources.ages import Ages, ages
from backend.sources.folder import loaded
from backend.sources.members import LARGEST_READ, Member, Place, safe_text
from backend.sources.stream import named, unread
from backend.store.content import ContentStore

BATCH = 200
BATCH_BYTES = 8 * 1024**2
Emit = Callable[[dict[str, Any]], None]


def classify(
    places: list[Place], state: Path, content: Path, reuse: bool, emit: Emit, before: Mapping[str, str] | None = None
) -> None:
    """Read every source and tell what its files are; a source that fails is told, and the others go on.

    `before` has the fingerprint of each source's .gitattributes at the last scan, by the source's number."""
    store, cores = ContentStore(content), Cores()
    try:
        for place in places:
            refused: Counter[str] = Counter()
            old: KnownFiles | None = None
            try:
                attributes = attributes_of(place)
                same = (before or {}).get(str(place.id), "") == attributes.fingerprint
                old = KnownFiles(state, place.id, reuse and same)
                found = batches(unread(place, refused), old, attributes)
                _source(place, found, ages(place), store, cores, emit)
            except Exception as error:
                if not isinstance(error, RefactError | OSError):
                    traceback.print_exc()  # goes to the scan's log
                emit({"kind": "failed", "source": place.id, "message": said_of(error)})
            else:
                told = {"refused": dict(refused), "attributes": attributes.fingerprint}
                emit({"kind": "read", "source": place.id, **told})
            finally:
                if old is not None:
                    old.close()
    finally:
        cores.close()
        store.close()


def said_of(error: Exception) -> str:
    """Why a source could not be read, in words."""
    if isinstance(error, RefactError):
        return error.message
    return f"It could not be read: {safe_text(getattr(error, 'strerror', None) or repr(error))}."


class KnownFiles:
    """What the last scan found in a source, asked for some hundred paths at a time: a million would cost memory."""

    def __init__(self, state: Path, source_id: int, reuse: bool) -> None:
        self._source_id = source_id
        self._connection = sqlite3.connect(f"{state.as_uri()}?mode=ro", uri=True, timeout=10) if reuse else None

    def of(self, paths: list[str]) -> Known:
        """Sha256 and judgement by path, of those that are known."""
        if self._connection is None:
            return {}
        marks = ", ".join("?" * len(paths))
        rows = self._connection.execute(
            "SELECT path, sha256, language, text_ok, stage1_reason, stage1_detail, secret, warnings FROM files "
            f"WHERE source_id = ? AND path IN ({marks}) AND sha256 != ''",
            (self._source_id, *paths),
        )
        return {
            path: (sha, Judgement(language, bool(ok), reason, detail or "", secret, warnings))
            for path, sha, language, ok, reason, detail, secret, warnings in rows
        }

    def close(self) -> None:
        """Give the database back."""
        if self._connection is not None:
            self._connection.close()


def attributes_of(place: Place) -> Attributes:
    """What a source's .gitattributes files say; most sources have none, which a listing tells."""
    names = set(named(place, NAME))
    files: dict[str, str] = {}
    if names:
        for member in unread(place):
            if member.path in names:
                files[member.path] = decode(loaded(member).data or b"") or ""
                if len(files) == len(names):
                    break
    return Attributes(files)


def _source(place: Place, found: Iterator[Batch], changed: Ages, store: ContentStore, cores: Cores, emit: Emit) -> None:
    for results in cores.each(judge_batch, found):
        store.put_packed(
            ((one.sha256, one.packed) for one in results if one.packed is not None),
            ((one.sha256, one.signature) for one in results if one.signature is not None),
        )
        emit({"kind": "files", "source": place.id, "rows": [_row(one, changed) for one in results]})


def _row(one: Judged, changed: Ages) -> list[Any]:
    """As `table.write_files` takes it."""
    return [one.path, one.size, one.sha256, *astuple(one.found), changed.of(one.path)]


def batches(found: Iterator[Member], old: KnownFiles, attributes: Attributes) -> Iterator[Batch]:
    """The members, some hundred or some megabytes at a time, each with what is known and said of its path."""
    batch: list[Member] = []
    held = 0
    for member in found:
        batch.append(member)
        held += min(member.size, LARGEST_READ)
        if len(batch) >= BATCH or held >= BATCH_BYTES:
            yield _complete(batch, old, attributes)
            batch, held = [], 0
    if batch:
        yield _complete(batch, old, attributes)


def _complete(batch: list[Member], old: KnownFiles, attributes: Attributes) -> Batch:
    known = old.of([member.path for member in batch])
    return [(member, known.get(member.path), attributes.of(member.path)) for member in batch]
