"""Stage 2 in the scan's own process: texts in groups of like size through the model, results as they come."""

import base64
from collections.abc import Callable
from pathlib import Path
from typing import Any

import msgspec

from backend.models.catalog import from_json
from backend.scan.lines import pack_lines
from backend.scan.text import decode
from backend.store.content import ContentStore

GROUP_BYTES = 96 * 1024
GROUP_FILES = 24
Emit = Callable[[dict[str, Any]], None]


def score(model: str, context: int, items: Path, content: Path, emit: Emit) -> None:
    """Score every content named in `items` (a JSON list of [sha256, bytes]) by the model described in `model`.

    Raises RefactError where that cannot be loaded."""
    wanted: list[tuple[str, int]] = msgspec.json.decode(items.read_bytes(), type=list[tuple[str, int]])
    from backend.scan.loss import Scorer

    scorer = Scorer(from_json(model), context)
    emit({"kind": "loaded"})
    store = ContentStore(content, read_only=True)
    try:
        for group in groups(wanted):
            texts = [decode(store.get(sha) or b"") or "" for sha, _ in group]
            rows = [
                [sha, found.loss, found.tokens, base64.b64encode(pack_lines(found.lines)).decode()]
                for (sha, _), found in zip(group, scorer.score(texts), strict=True)
            ]
            emit({"kind": "losses", "rows": rows, "bytes": sum(size for _, size in group)})
    finally:
        store.close()


def groups(wanted: list[tuple[str, int]]) -> list[list[tuple[str, int]]]:
    """Contents of like size together, so that little of a batch is padding; up to GROUP_BYTES, or one content."""
    made: list[list[tuple[str, int]]] = []
    group: list[tuple[str, int]] = []
    held = 0
    for sha, size in sorted(wanted, key=lambda item: (item[1], item[0])):
        if group and (held + size > GROUP_BYTES or len(group) >= GROUP_FILES):
            made.append(group)
            group, held = [], 0
        group.append((sha, size))
        held += size
    return [*made, group] if group else made
