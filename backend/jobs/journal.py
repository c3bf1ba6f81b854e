"""Journals: one JSON object a line, flushed line by line, read on from an offset by whoever follows."""

import json
import os
from pathlib import Path
from typing import Any

from backend.store.database import now

VERSION = 1


class JournalWriter:
    """Appends lines; the file is opened for each, so it may be moved or its disk be full in between."""

    def __init__(self, path: Path) -> None:
        self._path = path
        # A writer that was killed may have left half a line; what follows must not be joined to it.
        self._torn = path.exists() and path.stat().st_size > 0 and _last_byte(path) != b"\n"

    def write(self, kind: str, **fields: Any) -> None:
        """One line of this kind. Raises OSError where it cannot be written."""
        line = json.dumps({"v": VERSION, "at": now(), "kind": kind, **fields})
        data = (("\n" if self._torn else "") + line + "\n").encode()
        descriptor = os.open(self._path, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o600)
        try:
            self._torn = os.write(descriptor, data) != len(data)
        finally:
            os.close(descriptor)


class Silence(JournalWriter):
    """Of processes that work side by side only one tells; the others have this."""

    def write(self, kind: str, **fields: Any) -> None:
        """Nothing."""


def read(path: Path, offset: int, without: str = "") -> tuple[list[dict[str, Any]], int]:
    """Whole lines from `offset` bytes on and where they end; a torn line in the middle is passed over.

    So are those of the kind `without`, which are not even decoded: of steps there are many."""
    try:
        with path.open("rb") as file:
            file.seek(offset)
            data = file.read()
    except FileNotFoundError:
        return [], offset
    end = data.rfind(b"\n") + 1
    lines, left_out = [], f'"kind": "{without}"'.encode()
    for line in data[:end].splitlines():
        if without and left_out in line:
            continue
        try:
            found = json.loads(line)
        except ValueError:
            continue
        if isinstance(found, dict) and "kind" in found:
            lines.append(found)
    return lines, offset + end


def _last_byte(path: Path) -> bytes:
    with path.open("rb") as file:
        file.seek(-1, os.SEEK_END)
        return file.read(1)
