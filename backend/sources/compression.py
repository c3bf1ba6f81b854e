"""Compressed files, told by their first bytes and read as streams: gzip, bzip2, xz, Zstandard."""

import bz2
import gzip
import io
import lzma
from collections.abc import Callable
from pathlib import Path
from typing import IO, Any, Protocol, cast

import zstandard

FORMATS: tuple[tuple[bytes, str, tuple[str, ...]], ...] = (
    (b"\x1f\x8b", "gzip", (".gz",)),
    (b"BZh", "bzip2", (".bz2",)),
    (b"\xfd7zXZ\x00", "xz", (".xz",)),
    (b"\x28\xb5\x2f\xfd", "zstd", (".zst", ".zstd")),
)
"""First bytes, name, and the suffixes that people give."""
MEMORY = 1 << 27
"""Bytes that a Zstandard stream may ask for, and half of what xz may; more is an attack, or needs `zstd --long`."""
PIECE = 2048
"""Packed bytes at a time: of an archive made to fill memory they still unpack to no more than some 64 MB."""


def compression(head: bytes) -> str | None:
    """The name of the compression that `head` begins, or None."""
    return next((name for magic, name, _ in FORMATS if head.startswith(magic)), None)


class Unpacker(Protocol):
    """What the libraries of xz and Zstandard have in common."""

    @property
    def eof(self) -> bool:
        """Whether a frame has come to its end."""

    @property
    def unused_data(self) -> bytes:
        """What was given behind that end."""

    def decompress(self, data: bytes, /) -> bytes:
        """What comes out of the next piece. Raises the library's own error for broken data."""


class Frames(io.RawIOBase):
    """Compressed frames as one stream; unlike the libraries' own readers it bounds memory and notices a cut."""

    def __init__(self, path: Path, begin: Callable[[], Unpacker]) -> None:
        self._packed = path.open("rb")
        self._begin = begin
        self._frame = begin()
        self._begun = False
        self._ready = b""

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any, /) -> int:
        """Raises EOFError in the middle of a frame, the library's own error for broken data."""
        while not self._ready:
            piece = b""
            if self._frame.eof:
                piece = self._frame.unused_data
                self._frame, self._begun = self._begin(), False
            piece = piece or self._packed.read(PIECE)
            if not piece:
                if self._begun:
                    raise EOFError("it ends too early")
                return 0
            if not self._begun:
                piece = piece.lstrip(b"\0")  # xz may fill up with zeros between frames
            if piece:
                self._begun = True
                self._ready = self._frame.decompress(piece)
        taken = self._ready[: len(buffer)]
        buffer[: len(taken)] = taken
        self._ready = self._ready[len(taken) :]
        return len(taken)

    def close(self) -> None:
        self._packed.close()
        super().close()


def _zstd() -> Unpacker:
    return cast("Unpacker", zstandard.ZstdDecompressor(max_window_size=MEMORY).decompressobj())


def _xz() -> Unpacker:
    return lzma.LZMADecompressor(memlimit=2 * MEMORY)


def opened(path: Path) -> IO[bytes]:
    """The file, decompressed as it is read, or as it is. Raises what its library does, some only on reading."""
    with path.open("rb") as stream:
        found = compression(stream.read(8))
    kinds: dict[str, Callable[[Path], object]] = {
        "gzip": gzip.GzipFile,
        "bzip2": bz2.BZ2File,
        "xz": lambda path: io.BufferedReader(Frames(path, _xz)),
        "zstd": lambda path: io.BufferedReader(Frames(path, _zstd)),
    }
    return cast("IO[bytes]", kinds[found](path) if found else path.open("rb"))


def inner_name(name: str) -> str:
    """A compressed file's name without its suffix."""
    for _, _, suffixes in FORMATS:
        for suffix in suffixes:
            if name.lower().endswith(suffix) and len(name) > len(suffix):
                return name[: -len(suffix)]
    return name
