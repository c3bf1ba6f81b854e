"""Reads a folder or a single file on this box; links are counted and never followed."""

import os
import stat
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

from backend.errors import NotFound
from backend.sources.members import HEAD, LARGEST_READ, Budget, Member, Place, safe_path

UNREAD = {".git", ".hg", ".svn"}
"""Folders of version control: their contents are no one's code."""


def walk(place: Place, refused: Counter[str], read: bool) -> Iterator[Member]:
    """Every regular file below the folder in the order of its names. Raises NotFound where the folder is gone."""
    root = Path(place.location)
    top = root / place.subfolder if place.subfolder else root
    if not top.resolve().is_relative_to(root.resolve()):
        raise NotFound(f"The subfolder {place.subfolder} leads out of {root}.", "Name a folder inside it.")
    if not top.is_dir():
        raise NotFound(f"There is no folder {top} (any more).", "Check the path, or remove the source.")
    yield from _below(top, "", Budget(), refused, read)


def _below(folder: Path, prefix: str, budget: Budget, refused: Counter[str], read: bool) -> Iterator[Member]:
    try:
        entries = sorted(os.scandir(folder), key=lambda entry: entry.name)
    except OSError:
        refused["folder that cannot be read"] += 1
        return
    for entry in entries:
        path = prefix + entry.name
        try:
            facts = entry.stat(follow_symlinks=False)
        except OSError:
            refused["file that vanished"] += 1
            continue
        if stat.S_ISLNK(facts.st_mode):
            refused["symbolic link"] += 1
        elif stat.S_ISDIR(facts.st_mode):
            if entry.name not in UNREAD:
                yield from _below(folder / entry.name, path + "/", budget, refused, read)
        elif stat.S_ISREG(facts.st_mode):
            budget.take(facts.st_size)
            yield _member(Path(entry.path), path, facts.st_size, read)
        else:
            refused["device, pipe or socket"] += 1


def single(place: Place, refused: Counter[str], read: bool) -> Iterator[Member]:
    """The one file. Raises NotFound where it is gone."""
    path = Path(place.location)
    if not path.is_file():
        raise NotFound(f"There is no file {path} (any more).", "Check the path, or remove the source.")
    yield _member(path, path.name, path.stat().st_size, read)


def _member(file: Path, path: str, size: int, read: bool) -> Member:
    if not read:
        return Member(safe_path(path), size, None)
    try:
        handle = os.open(file, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK)
        with os.fdopen(handle, "rb") as stream:
            data = stream.read(HEAD if size > LARGEST_READ else LARGEST_READ + 1)
    except OSError as error:
        return Member(safe_path(path), size, None, f"cannot be read: {error.strerror or error}")
    if max(size, len(data)) > LARGEST_READ:
        return Member(safe_path(path), max(size, len(data)), None, head=data[:HEAD])
    return Member(safe_path(path), len(data), data)
