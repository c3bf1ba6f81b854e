"""Archives that somebody has made to fill a disk, to fill memory, or to write where they should not."""

import bz2
import gzip
import io
import lzma
import os
import random
import struct
import tarfile
import zipfile
import zlib
from collections.abc import Callable
from pathlib import Path
from typing import Any

import zstandard

ZEROS = 64 << 20
PIECE = bytes(1 << 20)
CODE = b"def answer():\n    return 42\n"


def code(number: int) -> bytes:
    """A little program that is like no other."""
    return f"def answer_{number}(value):\n    return value.field_{number}\n".encode()


def zip_of(path: Path, members: dict[str, bytes], kind: int = zipfile.ZIP_DEFLATED) -> Path:
    """A .zip with these members."""
    with zipfile.ZipFile(path, "w", kind) as made:
        for name, data in members.items():
            made.writestr(name, data)
    return path


def add(tar: tarfile.TarFile, name: str, data: bytes = b"", kind: bytes = tarfile.REGTYPE, link: str = "") -> None:
    """One more member."""
    info = tarfile.TarInfo(name)
    info.size, info.type, info.linkname = len(data), kind, link
    tar.addfile(info, io.BytesIO(data))


def header(name: str, size: int, kind: bytes = tarfile.REGTYPE, field: bytes | None = None) -> bytes:
    """The 512 bytes before a member, with any size in them; `field` stands in its place as it is."""
    info = tarfile.TarInfo(name)
    info.size, info.type = max(size, 0), kind
    raw = bytearray(info.tobuf(tarfile.GNU_FORMAT)[:512])
    if field is not None:
        raw[124:136] = field
    raw[148:156] = b" " * 8
    raw[148:156] = b"%06o\0 " % sum(raw)
    return bytes(raw)


def zip_bomb(folder: Path) -> Path:
    return zip_of(folder / "bomb.zip", {"zeros.py": bytes(12 << 20)})


def nested_bombs(folder: Path) -> Path:
    """Archives in archives, five deep; the innermost would unpack to gigabytes."""
    inner = zip_of(folder / "0.zip", {f"{number}.txt": bytes(4 << 20) for number in range(16)})
    for depth in range(1, 5):
        packed = inner.read_bytes()
        inner.unlink()
        inner = zip_of(folder / f"{depth}.zip", {f"{number}.zip": packed for number in range(2)}, zipfile.ZIP_STORED)
    return zip_of(inner, {"inner.zip": inner.read_bytes(), "inner.tar": tar_bytes(), "a.py": code(1)})


def tar_bytes() -> bytes:
    whole = io.BytesIO()
    with tarfile.open(fileobj=whole, mode="w") as tar:
        add(tar, "b.py", code(2))
    return whole.getvalue()


def overlapping(folder: Path) -> Path:
    """A hundred names in the directory for the one member that is there."""
    path = zip_of(folder / "overlapping.zip", {"kernel": bytes(1 << 20)})
    data = path.read_bytes()
    begin = data.index(b"PK\x01\x02")
    entry, end = data[begin : begin + 52], bytearray(data[begin + 52 :])
    struct.pack_into("<HHL", end, 8, 100, 100, 100 * len(entry))
    path.write_bytes(data[:begin] + entry * 100 + bytes(end))
    return path


def bomb_of(suffix: str, opened: Callable[..., Any], **options: Any) -> Callable[[Path], Path]:
    """A single compressed file of zeros."""

    def make(folder: Path) -> Path:
        path = folder / f"zeros.py{suffix}"
        with opened(path, "wb", **options) as file:
            for _ in range(ZEROS // len(PIECE)):
                file.write(PIECE)
        return path

    return make


SINGLE_BOMBS: dict[str, Callable[[Path], Path]] = {
    "bomb-gz": bomb_of(".gz", gzip.open),
    "bomb-bz2": bomb_of(".bz2", bz2.open),
    "bomb-xz": bomb_of(".xz", lzma.open, preset=1),
    "bomb-zst": bomb_of(".zst", zstandard.open),
}


def tar_bomb(folder: Path) -> Path:
    path = folder / "bomb.tar.gz"
    with gzip.open(path, "wb") as file:
        file.write(header("zeros.py", ZEROS))
        for _ in range(ZEROS // len(PIECE)):
            file.write(PIECE)
    return path


def header_bomb(kind: bytes) -> Callable[[Path], Path]:
    """A name, or a list of attributes, of half a gigabyte."""

    def make(folder: Path) -> Path:
        path = folder / "header.tar.gz"
        with gzip.open(path, "wb", compresslevel=1) as file:
            file.write(header("././@LongLink", 512 << 20, kind))
            for _ in range(512):
                file.write(PIECE)
        return path

    return make


def sparse_bomb(folder: Path) -> Path:
    """A file in so many parts that their list fills memory."""
    path = folder / "sparse.tar.gz"
    first = bytearray(header("sparse.py", 1000, tarfile.GNUTYPE_SPARSE))
    first[482] = 1
    first[148:156] = b" " * 8
    first[148:156] = b"%06o\0 " % sum(first)
    part = (b"%011o\0" % 7 + b"%011o\0" % 1) * 21
    block = part + b"\1" + bytes(511 - len(part))
    with gzip.open(path, "wb", compresslevel=1) as file:
        file.write(bytes(first))
        for _ in range(64):
            file.write(block * 2048)
    return path


def dictionary_bomb(folder: Path) -> Path:
    """Wants a gigabyte before it gives the first byte."""
    path = folder / "dictionary.py.xz"
    chain = [{"id": lzma.FILTER_LZMA2, "dict_size": 1 << 20, "mode": lzma.MODE_FAST, "mf": lzma.MF_HC3}]
    data = bytearray(lzma.compress(CODE, filters=chain))
    begin = data.index(b"\x21\x01")  # the filter's number, the length of its options, then the size of the dictionary
    data[begin + 2] = 36
    block = 4 * (data[12] + 1)
    data[12 + block - 4 : 12 + block] = struct.pack("<L", zlib.crc32(data[12 : 12 + block - 4]))
    path.write_bytes(data)
    return path


def hostile_tar(folder: Path) -> Path:
    """One member of every kind that is left out, and one that is not."""
    path = folder / "members.tar"
    with tarfile.open(path, "w") as tar:
        add(tar, "./src/a.py", code(3))
        add(tar, "/etc/cron.d/evil.py", CODE)
        add(tar, "src/../../up.py", CODE)
        add(tar, "..\\up.py", CODE)
        add(tar, "C:\\evil.py", CODE)
        add(tar, "link.py", kind=tarfile.SYMTYPE, link="/etc/passwd")
        add(tar, "link", kind=tarfile.SYMTYPE, link="../../home")
        add(tar, "link/through.py", code(4))
        add(tar, "hard.py", kind=tarfile.LNKTYPE, link="../../home/.bashrc")
        for kind in (tarfile.CHRTYPE, tarfile.BLKTYPE, tarfile.FIFOTYPE, b"Z"):
            add(tar, f"device-{kind.decode()}", kind=kind)
    return path


def tar_of_size(size: int, field: bytes | None = None) -> Callable[[Path], Path]:
    """A member that claims to be so large, and is not."""

    def make(folder: Path) -> Path:
        path = folder / "claims.tar"
        path.write_bytes(header("a.py", size, field=field) + CODE.ljust(512, b"\0") + tar_bytes())
        return path

    return make


def garbage_inside(folder: Path) -> Path:
    """A good member, then what is none: whoever stops there loses the rest unseen."""
    path = folder / "garbage.tar"
    path.write_bytes(header("a.py", len(CODE)) + CODE.ljust(512, b"\0") + random.Random(2).randbytes(512) + tar_bytes())
    return path


def zip_of_size(folder: Path) -> Path:
    """Claims four gigabytes, and has some bytes."""
    path = zip_of(folder / "claims.zip", {"a.py": CODE}, zipfile.ZIP_STORED)
    data = bytearray(path.read_bytes())
    begin = data.index(b"PK\x01\x02")
    struct.pack_into("<L", data, begin + 24, 0xFFFFFFF0)
    struct.pack_into("<L", data, 22, 0xFFFFFFF0)
    path.write_bytes(data)
    return path


def encrypted(folder: Path) -> Path:
    path = zip_of(folder / "encrypted.zip", {"a.py": CODE})
    data = bytearray(path.read_bytes())
    data[6] |= 1
    data[data.index(b"PK\x01\x02") + 8] |= 1
    path.write_bytes(data)
    return path


def truncated(folder: Path) -> Path:
    """Cut off in the middle of a member."""
    path = folder / "truncated.tar.gz"
    with tarfile.open(path, "w:gz") as tar:
        add(tar, "a.py", code(5))
        add(tar, "noise", random.Random(1).randbytes(90_000))
    path.write_bytes(path.read_bytes()[:40_000])
    return path


def too_many(folder: Path) -> Path:
    """A million and one names for one member."""
    path = folder / "many.zip"
    count = 1_000_001
    local = struct.pack("<4s5H3L2H", b"PK\3\4", 20, 0, 0, 0, 0, 0, 0, 0, 1, 0) + b"a"
    entry = struct.pack("<4s6H3L5H2L", b"PK\1\2", 20, 20, 0, 0, 0, 0, 0, 0, 0, 1, 0, 0, 0, 0, 0, 0) + b"a"
    length, end = count * len(entry), len(local) + count * len(entry)
    with path.open("wb") as file:
        file.write(local + entry * count)
        file.write(struct.pack("<4sQ2H2L4Q", b"PK\6\6", 44, 45, 45, 0, 0, 7, 7, length, len(local)))
        file.write(struct.pack("<4sLQL", b"PK\6\7", 0, end, 1))
        file.write(struct.pack("<4s4H2LH", b"PK\5\6", 0, 0, 7, 7, 0xFFFFFFFF, 0xFFFFFFFF, 0))
    return path


def same_names(folder: Path) -> Path:
    """Three members of one name, and two that a file system may take for one."""
    path = folder / "same.tar"
    with tarfile.open(path, "w") as tar:
        for number in (6, 7, 8):
            add(tar, "a.py", code(number))
        add(tar, "A.py", code(9))
    return path


def not_what_it_says(folder: Path) -> Path:
    """By its name a tar, by its content nothing."""
    path = folder / "noise.tar.gz"
    path.write_bytes(b"\x1f\x8b\x08\x00" + os.urandom(4000))
    return path
