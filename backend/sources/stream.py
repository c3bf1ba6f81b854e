"""One door to every kind of source: a stream of members, and a snapshot that says what it held."""

import hashlib
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field

from backend.sources import archive, folder, git
from backend.sources.members import Member, Place, unique

READERS = {"git": git.walk, "archive": archive.walk, "folder": folder.walk, "file": folder.single}


@dataclass(frozen=True)
class Snapshot:
    """What a source holds at one moment."""

    fingerprint: str
    files: int
    bytes: int
    refused: Counter[str] = field(default_factory=Counter)


def members(place: Place, refused: Counter[str] | None = None, read: bool = True) -> Iterator[Member]:
    """Every file of a source, each path once; `refused` counts what was left out. Raises RefactError in words."""
    return map(folder.loaded, unread(place, refused, read))


def unread(place: Place, refused: Counter[str] | None = None, read: bool = True) -> Iterator[Member]:
    """The same, but files of this box still have to be `folder.loaded`: by another process, say."""
    return unique(READERS[place.kind](place, Counter() if refused is None else refused, read))


def named(place: Place, name: str) -> Iterator[str]:
    """The paths of the files of one name in any folder. Raises RefactError in words."""
    if place.kind == "folder":
        return folder.named(place, name)
    return (one.path for one in members(place, read=False) if one.path.rsplit("/", 1)[-1] == name)


def snapshot(place: Place) -> Snapshot:
    """List a source without keeping a byte of it. Raises RefactError in words."""
    refused: Counter[str] = Counter()
    listing = hashlib.sha256((place.commit or "").encode())
    files = size = 0
    for member in members(place, refused, read=False):
        files += 1
        size += member.size
        listing.update(f"{member.path}\0{member.size}\n".encode("utf-8", "surrogatepass"))
    return Snapshot(listing.hexdigest(), files, size, refused)
