"""Compressed files, told by their first bytes and read as streams: gzip, bzip2, xz, Zstandard."""

import bz2
import gzip
import io
import lzma
import zlib
from collections.abc import Callable
from pathlib import Path
from typing import IO, Any, cast

import zstandard

FORMATS: tuple[tuple[bytes, str, tuple[str, ...]], ...] = (
    (b"\x1f\x8b", "gzip", (".gz",)),
    (b"BZh", "bzip2", (".bz2",)),
    (b"\xfd7zXZ\x00", "xz", (".xz",)),
    (b"\x28\xb5\x2f\xfd", "zstd", (".zst", ".zstd")),
)
"""First bytes, name, and the suffixes that people give."""
ZSTD_WINDOW = 1 << 27
"""Bytes that a Zstandard stream may ask for; more is an attack, or needs `zstd --long`."""
PIECE = 2048
"""Packed bytes at a time: of an archive made to fill memory they still unpack to no more than some 64 MB."""
BROKEN = (EOFError, zlib.error, lzma.LZMAError, gzip.BadGzipFile, zstandard.ZstdError, OSError)
"""What reading damaged data raises."""


def compression(head: bytes) -> str | None:
    """The name of the compression that `head` begins, or None."""
    return next((name for magic, name, _ in FORMATS if head.startswith(magic)), None)


class Zstandard(io.RawIOBase):
    """A Zstandard file as a stream; unlike the library's own reader it notices where the file was cut off."""

    def __init__(self, path: Path) -> None:
        self._packed = path.open("rb")
        self._unpacker = zstandard.ZstdDecompressor(max_window_size=ZSTD_WINDOW)
        self._frame = self._unpacker.decompressobj()
        self._begun = False
        self._ready = b""

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any, /) -> int:
        """Raises EOFError in the middle of a frame, zstandard.ZstdError for broken data."""
        while not self._ready:
            piece = self._frame.unused_data if self._frame.eof else b""
            if self._frame.eof:
                self._frame, self._begun = self._unpacker.decompressobj(), False
            piece = piece or self._packed.read(PIECE)
            if not piece:
                if self._begun:
                    raise EOFError("it ends too early")
                return 0
            self._begun = True
            self._ready = self._frame.decompress(piece)
        taken = self._ready[: len(buffer)]
        buffer[: len(taken)] = taken
        self._ready = self._ready[len(taken) :]
        return len(taken)

    def close(self) -> None:
        self._packed.close()
        super().close()


def opened(path: Path) -> IO[bytes]:
    """The file, decompressed as it is read, or as it is. Raises BROKEN, some only on reading."""
    with path.open("rb") as stream:
        found = compression(stream.read(8))
    kinds: dict[str, Callable[[Path], object]] = {
        "gzip": gzip.GzipFile,
        "bzip2": bz2.BZ2File,
        "xz": lzma.LZMAFile,
        "zstd": lambda path: io.BufferedReader(Zstandard(path)),
    }
    return cast("IO[bytes]", kinds[found](path) if found else path.open("rb"))


def inner_name(name: str) -> str:
    """A compressed file's name without its suffix."""
    for _, _, suffixes in FORMATS:
        for suffix in suffixes:
            if name.lower().endswith(suffix) and len(name) > len(suffix):
                return name[: -len(suffix)]
    return name
