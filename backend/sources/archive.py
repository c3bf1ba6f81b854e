"""Archives and compressed files, told by content and read member by member; nothing is ever written to disk."""

from collections import Counter
from collections.abc import Iterator
from pathlib import Path

from msgspec.structs import replace

from backend.errors import NotFound, RefactError
from backend.sources import tar
from backend.sources import zip as zips
from backend.sources.compression import compression, inner_name, opened
from backend.sources.members import HEAD, LARGEST_READ, Budget, Member, Place, safe_path, safe_text, said

TARS = (".tar", ".tar.gz", ".tgz", ".tar.bz2", ".tbz2", ".tar.xz", ".txz", ".tar.zst", ".tzst")
AGAIN = "Make or download it again."
SUFFIXES = (".zip", *TARS, ".gz", ".bz2", ".xz", ".zst")


def recognise(path: Path) -> str | None:
    """`zip`, `tar` or the name of a compression, by content, or None. Raises OSError for an unreadable file."""
    with path.open("rb") as stream:
        head = stream.read(512)
    if head.startswith((b"PK\x03\x04", b"PK\x05\x06")):
        return "zip"
    if head[257:262] == b"ustar":
        return "tar"
    if found := compression(head):
        try:
            return "tar" if tar.begins(path) else found
        except Exception:
            # Compressed, but no archive; by its name it is one that was cut off.
            return "tar" if path.name.endswith(TARS) else found
    return "tar" if path.name.endswith(".tar") else "zip" if path.name.endswith(".zip") else None


def walk(place: Place, refused: Counter[str], read: bool) -> Iterator[Member]:
    """Every regular member. Raises RefactError for an archive that is damaged, TooLarge for one over the limits."""
    path = Path(place.location)
    if not path.is_file():
        raise NotFound(f"There is no file {safe_text(str(path))} (any more).", "Check the path, or remove the source.")
    below = place.subfolder.strip("/") + "/" if place.subfolder else ""
    reader = {"zip": zips.walk, "tar": tar.walk}.get(recognise(path) or "", _single)
    found = False
    try:
        for member in reader(path, refused, read):
            if member.path.startswith(below):
                found = True
                yield replace(member, path=member.path[len(below) :])
    except RefactError:
        raise
    except Exception as error:
        # What the libraries raise for data that somebody has made up is of every kind.
        raise RefactError(f"The archive {safe_text(path.name)} is damaged: {said(error)}.", AGAIN) from error
    if below and not found:
        where = safe_text(f"{place.subfolder} in {path.name}")
        raise NotFound(f"There is no folder {where}.", "Check the subfolder's name.")


def _single(path: Path, refused: Counter[str], read: bool) -> Iterator[Member]:
    """The one file inside a compressed one; its size is known only once it has been read through."""
    budget = Budget(path.stat().st_size)
    data = bytearray()
    size = 0
    with opened(path) as stream:
        while piece := stream.read(1 << 20):
            size += len(piece)
            budget.take(len(piece))
            if len(data) <= LARGEST_READ:
                data += piece
    name = safe_path(inner_name(path.name))
    if not read:
        yield Member(name, size, None)
    elif size > LARGEST_READ:
        yield Member(name, size, None, head=bytes(data[:HEAD]))
    else:
        yield Member(name, size, bytes(data))
