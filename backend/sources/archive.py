"""Reads .zip and .tar archives and single compressed files member by member; nothing is ever written to disk."""

import tarfile
import zipfile
from collections import Counter
from collections.abc import Iterator
from pathlib import Path, PurePosixPath

from msgspec.structs import replace

from backend.errors import NotFound, RefactError
from backend.sources.compression import BROKEN, compression, inner_name, opened
from backend.sources.members import HEAD, LARGEST_READ, Budget, Member, Place, safe_path

TARS = (".tar", ".tar.gz", ".tgz", ".tar.bz2", ".tbz2", ".tar.xz", ".txz", ".tar.zst", ".tzst")
SUFFIXES = (".zip", *TARS, ".gz", ".bz2", ".xz", ".zst")
DAMAGED = (tarfile.TarError, zipfile.BadZipFile, *BROKEN)


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
            with opened(path) as packed, tarfile.open(fileobj=packed, mode="r|") as archive:
                return "tar" if archive.next() else found
        except DAMAGED:
            # Compressed, but no archive; by its name it is one that was cut off.
            return "tar" if path.name.endswith(TARS) else found
    return "tar" if path.name.endswith(".tar") else "zip" if path.name.endswith(".zip") else None


def walk(place: Place, refused: Counter[str], read: bool) -> Iterator[Member]:
    """Every regular member. Raises RefactError for an archive that is damaged, TooLarge for one over the limits."""
    path = Path(place.location)
    if not path.is_file():
        raise NotFound(f"There is no file {path} (any more).", "Check the path, or remove the source.")
    below = place.subfolder.strip("/") + "/" if place.subfolder else ""
    reader = {"zip": _zip, "tar": _tar}.get(recognise(path) or "", _single)
    found = False
    try:
        for member in reader(path, refused, read):
            if member.path.startswith(below):
                found = True
                yield replace(member, path=member.path[len(below) :])
    except DAMAGED as error:
        raise RefactError(
            f"The archive {path.name} is damaged: {error or 'it ends too early'}.", "Make or download it again."
        ) from error
    if below and not found:
        raise NotFound(f"There is no folder {place.subfolder} in {path.name}.", "Check the subfolder's name.")


def _refusal(name: str) -> str | None:
    """Why a member of this name is left out, or None."""
    if name.startswith(("/", "\\")) or (len(name) > 1 and name[1] == ":"):
        return "absolute path"
    if ".." in PurePosixPath(name.replace("\\", "/")).parts:
        return "path with .."
    return None


def _plain(name: str) -> str:
    return name[2:] if name.startswith("./") else name


def _zip(path: Path, refused: Counter[str], read: bool) -> Iterator[Member]:
    budget = Budget(path.stat().st_size)
    with zipfile.ZipFile(path) as archive:
        for info in archive.infolist():
            mode = info.external_attr >> 16
            why = _refusal(info.filename)
            if info.is_dir():
                continue
            if mode & 0o170000 == 0o120000:
                why = "symbolic link"
            elif info.flag_bits & 0x1:
                why = "encrypted member"
            if why:
                refused[why] += 1
                continue
            budget.take(info.file_size)
            name = safe_path(_plain(info.filename))
            if not read:
                yield Member(name, info.file_size, None)
                continue
            large = info.file_size > LARGEST_READ
            try:
                with archive.open(info) as stream:
                    data = stream.read(HEAD if large else LARGEST_READ + 1)
                if large or len(data) > LARGEST_READ:
                    yield Member(name, max(info.file_size, len(data)), None, head=data[:HEAD])
                else:
                    yield Member(name, len(data), data)
            except (*DAMAGED, NotImplementedError, RuntimeError) as error:
                yield Member(name, info.file_size, None, f"cannot be read: {error}")


def _tar(path: Path, refused: Counter[str], read: bool) -> Iterator[Member]:
    budget = Budget(path.stat().st_size)
    with opened(path) as packed, tarfile.open(fileobj=packed, mode="r|", errors="surrogateescape") as archive:
        for info in archive:
            archive.members = []  # type: ignore[attr-defined]  # a stream is read once; remembering a million headers would cost memory
            if info.isdir():
                continue
            why = _refusal(info.name) or _kind(info)
            if info.size < 0:
                why = "negative size"
            budget.take(max(info.size, 0))
            if why:
                refused[why] += 1
                continue
            name = safe_path(_plain(info.name))
            stream = archive.extractfile(info) if read else None
            if info.size > LARGEST_READ:
                yield Member(name, info.size, None, head=stream.read(HEAD) if stream else b"")
            else:
                yield Member(name, info.size, stream.read() if stream else None)


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


def _kind(info: tarfile.TarInfo) -> str | None:
    if info.issym():
        return "symbolic link"
    if info.islnk():
        return "hard link"
    return None if info.isreg() else "device, pipe or socket"
