"""Reads .tar archives as streams; what their headers claim is believed only as far as the limits go."""

import tarfile
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from tarfile import InvalidHeaderError  # type: ignore[attr-defined]
from typing import IO, Self, cast

from backend.errors import TooLarge
from backend.sources.compression import opened
from backend.sources.members import HEAD, LARGEST_READ, Budget, Member, name_refused, plain, safe_path

HEADERS = 1 << 20
"""Bytes that may stand before one member; tarfile reads what a header says into memory, however much that is."""


class Tape:
    """The unpacked stream as tarfile reads it. Raises TooLarge where more comes than members and headers may have."""

    def __init__(self, stream: IO[bytes], budget: Budget) -> None:
        self._stream, self._budget = stream, budget
        self._left = HEADERS

    def expect(self, size: int) -> None:
        """A member of so many bytes begins here."""
        self._left = size + HEADERS

    def read(self, size: int) -> bytes:
        """What tarfile asks for."""
        self._budget.check_time()
        data = self._stream.read(size)
        self._left -= len(data)
        if self._left < 0:
            raise TooLarge(
                f"The header of a member is larger than {HEADERS // 1024**2} MiB, as in archives made to fill memory.",
                "If you trust it, unpack it yourself and add the folder.",
            )
        return data


class Header(tarfile.TarInfo):
    """One that is read strictly: tarfile itself takes a broken header for the archive's end and says nothing."""

    @classmethod
    def fromtarfile(cls, tarfile: tarfile.TarFile) -> Self:
        """Raises RefactError where the header is broken."""
        try:
            found = super().fromtarfile(tarfile)
        except InvalidHeaderError as error:
            raise ValueError(str(error)) from error
        if found.size < 0:
            raise ValueError("a member has a negative size")
        return found


def begins(path: Path) -> bool:
    """Whether the file, decompressed, begins with a member. Raises what reading damaged data raises, and TooLarge."""
    with opened(path) as packed, _archive(Tape(packed, Budget())) as archive:
        return archive.next() is not None


def walk(path: Path, refused: Counter[str], read: bool) -> Iterator[Member]:
    """Every regular member; links, devices and names that lead out are counted."""
    budget = Budget(path.stat().st_size)
    with opened(path) as packed:
        tape = Tape(packed, budget)
        with _archive(tape) as archive:
            for info in archive:
                # A stream is read once; remembering a million headers would cost memory.
                archive.members = []  # type: ignore[attr-defined]
                tape.expect(info.size)
                if info.isdir():
                    continue
                why = name_refused(info.name) or _kind(info)
                budget.take(info.size)
                if why:
                    refused[why] += 1
                    continue
                yield _member(archive, info, read)


def _archive(tape: Tape) -> tarfile.TarFile:
    return tarfile.open(fileobj=cast("IO[bytes]", tape), mode="r|", tarinfo=Header, errors="surrogateescape")


def _member(archive: tarfile.TarFile, info: tarfile.TarInfo, read: bool) -> Member:
    name = safe_path(plain(info.name))
    stream = archive.extractfile(info) if read else None
    if info.size > LARGEST_READ:
        return Member(name, info.size, None, head=stream.read(HEAD) if stream else b"")
    return Member(name, info.size, stream.read() if stream else None)


def _kind(info: tarfile.TarInfo) -> str | None:
    if info.issym():
        return "symbolic link"
    if info.islnk():
        return "hard link"
    return None if info.isreg() else "device, pipe or socket"
