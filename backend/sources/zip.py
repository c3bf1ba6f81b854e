"""Reads .zip archives member by member; what their directory claims is believed only as far as the limits go."""

import struct
import zipfile
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import IO

from backend.sources.members import (
    HEAD,
    LARGEST_READ,
    MOST_MEMBERS,
    Budget,
    Member,
    name_refused,
    plain,
    safe_path,
    said,
    too_many,
)

END, END_64, LOCATOR_64, ENTRY = b"PK\x05\x06", b"PK\x06\x06", b"PK\x06\x07", b"PK\x01\x02"
"""What the parts at the end of a .zip begin with."""
LONGEST_END = 22 + 65_535
BOTH_64 = 56 + 20
PIECE = 1 << 20


def walk(path: Path, refused: Counter[str], read: bool) -> Iterator[Member]:
    """Every regular member; links, encrypted members and names that lead out are counted."""
    budget = Budget(path.stat().st_size)
    with path.open("rb") as file:
        if _entries(file, path.stat().st_size) > MOST_MEMBERS:
            raise too_many()
    with zipfile.ZipFile(path) as archive:
        for info in archive.infolist():
            if info.is_dir():
                continue
            if why := _refused(info):
                refused[why] += 1
                continue
            budget.take(info.file_size)
            name = safe_path(plain(info.filename))
            yield _member(archive, info, name) if read else Member(name, info.file_size, None)


def _entries(file: IO[bytes], size: int) -> int:
    """How many members the directory has, counted before zipfile makes an object of each; 0 without a directory."""
    begin = max(0, size - LONGEST_END - BOTH_64)
    file.seek(begin)
    tail = file.read()
    if (at := tail.rfind(END)) < 0 or len(tail) < at + 22:
        return 0
    (length,) = struct.unpack_from("<L", tail, at + 12)
    end = begin + at
    if at >= BOTH_64 and tail.startswith(LOCATOR_64, at - 20) and tail.startswith(END_64, at - BOTH_64):
        (length,) = struct.unpack_from("<Q", tail, at - BOTH_64 + 40)
        end -= BOTH_64
    file.seek(max(0, end - length))
    count, left, rest = 0, min(length, end), b""
    while left > 0 and (piece := file.read(min(left, PIECE))):
        left -= len(piece)
        count += (rest + piece).count(ENTRY)
        rest = piece[-len(ENTRY) + 1 :]
    return count


def _refused(info: zipfile.ZipInfo) -> str | None:
    if (info.external_attr >> 16) & 0o170000 == 0o120000:
        return "symbolic link"
    if info.flag_bits & 0x1:
        return "encrypted member"
    return name_refused(info.filename)


def _member(archive: zipfile.ZipFile, info: zipfile.ZipInfo, name: str) -> Member:
    """One that cannot be unpacked is told as such; the others still may."""
    large = info.file_size > LARGEST_READ
    try:
        with archive.open(info) as stream:
            data = stream.read(HEAD if large else LARGEST_READ + 1)
    except Exception as error:
        return Member(name, info.file_size, None, f"cannot be read: {said(error)}")
    if large or len(data) > LARGEST_READ:
        return Member(name, max(info.file_size, len(data)), None, head=data[:HEAD])
    return Member(name, len(data), data)
