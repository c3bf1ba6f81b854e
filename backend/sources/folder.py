"""Reads a folder or a single file on this box; links are counted and never followed."""

import errno
import os
import stat
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

from msgspec.structs import replace

from backend.errors import NotFound
from backend.sources.members import HEAD, LARGEST_READ, Budget, Member, Place, safe_path, safe_text

UNREAD = {".git", ".hg", ".svn"}
"""Folders of version control: their contents are no one's code."""


def walk(place: Place, refused: Counter[str], read: bool) -> Iterator[Member]:
    """Every regular file below the folder in the order of its names. Raises NotFound where the folder is gone.

    With `read` the content still lies in the member's `file`, for `loaded`."""
    top = _top(place)
    budget, begins = Budget(), _begin_of_paths(top)
    open_folders = [_entries(top, refused)]
    while open_folders:
        entry = next(open_folders[-1], None)
        if entry is None:
            open_folders.pop()
            continue
        try:
            facts = entry.stat(follow_symlinks=False)
        except OSError as error:
            refused["path too long" if error.errno == errno.ENAMETOOLONG else "file that vanished"] += 1
            continue
        if stat.S_ISREG(facts.st_mode):
            budget.take(facts.st_size)
            yield Member(safe_path(entry.path[begins:]), facts.st_size, None, file=entry.path if read else "")
        elif stat.S_ISLNK(facts.st_mode):
            refused["symbolic link"] += 1
        elif not stat.S_ISDIR(facts.st_mode):
            refused["device, pipe or socket"] += 1
        elif entry.name not in UNREAD:
            open_folders.append(_entries(entry.path, refused))


def named(place: Place, name: str) -> Iterator[str]:
    """The paths of the files of one name, found without a look at any file. Raises NotFound as `walk`."""
    top = _top(place)
    begins = _begin_of_paths(top)
    waiting = [top]  # os.walk calls itself once a folder, and folders may lie deeper than calls can
    while waiting:
        for entry in _entries(waiting.pop(), Counter()):
            if entry.is_dir(follow_symlinks=False):
                waiting += [entry.path] if entry.name not in UNREAD else []
            elif entry.name == name:
                yield safe_path(entry.path[begins:])


def _top(place: Place) -> str:
    """The folder of a source. Raises NotFound where it is gone, or is not inside the one that was named."""
    root = Path(place.location)
    top = root / place.subfolder if place.subfolder else root
    if not top.resolve().is_relative_to(root.resolve()):
        raise NotFound(
            f"The subfolder {place.subfolder} leads out of {safe_text(str(root))}.", "Name a folder inside it."
        )
    if not top.is_dir():
        raise NotFound(f"There is no folder {safe_text(str(top))} (any more).", "Check the path, or remove the source.")
    return str(top)


def _begin_of_paths(top: str) -> int:
    return len(top) + (top != "/")


def _entries(folder: str, refused: Counter[str]) -> Iterator[os.DirEntry[str]]:
    try:
        with os.scandir(folder) as found:
            return iter(sorted(found, key=lambda entry: entry.name))
    except OSError:
        refused["folder that cannot be read"] += 1
        return iter(())


def single(place: Place, refused: Counter[str], read: bool) -> Iterator[Member]:
    """The one file. Raises NotFound where it is gone."""
    path = Path(place.location)
    if not path.is_file():
        raise NotFound(f"There is no file {safe_text(str(path))} (any more).", "Check the path, or remove the source.")
    yield Member(safe_path(path.name), path.stat().st_size, None, file=str(path) if read else "")


def loaded(member: Member) -> Member:
    """The member with its content, where that still lies in its `file`."""
    if not member.file:
        return member
    try:
        handle = os.open(member.file, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC)
        try:
            data = _read(handle, member.size)
        finally:
            os.close(handle)
    except OSError as error:
        return replace(member, error=f"cannot be read: {error.strerror or error}", file="")
    size = max(member.size, len(data))
    if size > LARGEST_READ:
        return replace(member, size=size, head=data[:HEAD], file="")
    return replace(member, size=len(data), data=data, file="")


def _read(handle: int, size: int) -> bytes:
    """The beginning of a large file, or all of another, also where it has grown since `size` was asked for."""
    if size > LARGEST_READ:
        return os.read(handle, HEAD)
    data = os.read(handle, size + 1)
    while len(data) > size and len(data) <= LARGEST_READ and (more := os.read(handle, LARGEST_READ + 1 - len(data))):
        data += more
    return data
