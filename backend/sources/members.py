"""What a source yields, the limits it keeps to, and how names from outside are made safe to store and show."""

import unicodedata
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass

from msgspec import Struct
from msgspec.structs import replace

from backend.errors import TooLarge

LARGEST_READ = 512 * 1024
"""Bytes; what is larger cannot become training data, so its content is not kept."""
HEAD = 8192
"""Bytes of a larger file that are looked at."""
MOST_BYTES = 8 * 1024**3
MOST_MEMBERS = 1_000_000
MOST_RATIO = 200
RATIO_FREE_BYTES = 10 * 1024**2
"""Below this much unpacked data the ratio does not matter."""
LONGEST_PATH = 1000


@dataclass(frozen=True)
class Place:
    """One source as a reader needs it; travels to child processes as JSON."""

    id: int
    name: str
    kind: str
    location: str
    set: str = "auto"
    subfolder: str | None = None
    commit: str | None = None
    clone: str = ""
    """The bare clone of a git source."""


class Member(Struct, frozen=True):
    """One file of a source; a struct, since a million of them are made and sent to the processes that judge them."""

    path: str
    size: int
    data: bytes | None
    """None where it is larger than LARGEST_READ, could not be read (`error`), or only a listing was asked for."""
    error: str = ""
    head: bytes = b""
    """The beginning of one that is larger than LARGEST_READ: enough to see that it is no text."""
    file: str = ""
    """Where the content still lies, of a member that whoever needs the content reads."""


class Budget:
    """Counts what a source has given so far. Raises TooLarge where it goes over a limit."""

    def __init__(self, packed: int | None = None) -> None:
        self._packed = packed
        self._bytes = 0
        self._members = 0

    def take(self, size: int) -> None:
        """One more member of `size` bytes."""
        self._members += 1
        self._bytes += size
        if self._members > MOST_MEMBERS:
            raise TooLarge(f"It has more than {MOST_MEMBERS:,} members.", "Add it in parts.")
        if self._bytes > MOST_BYTES:
            raise TooLarge(f"It unpacks to more than {MOST_BYTES // 1024**3} GiB.", "Add it in parts.")
        if self._packed is not None and self._bytes > max(RATIO_FREE_BYTES, MOST_RATIO * self._packed):
            raise TooLarge(
                f"It unpacks to more than {MOST_RATIO} times its size, as archives made to fill disks do.",
                "If you trust it, unpack it yourself and add the folder.",
            )


def safe_text(text: str) -> str:
    """`text` with everything that is no printable character spelt out, so that it can be stored and shown anywhere."""
    if text.isascii() and text.isprintable():
        return text
    return "".join(_safe(character) for character in text)


def _safe(character: str) -> str:
    code = ord(character)
    if 0xDC80 <= code <= 0xDCFF:
        return f"\\x{code - 0xDC00:02x}"
    if unicodedata.category(character) in {"Cc", "Cf", "Cs", "Zl", "Zp"}:
        return f"\\x{code:02x}" if code < 256 else f"\\u{code:04x}"
    return character


def safe_path(text: str) -> str:
    """A member's path as it is stored: printable and of bounded length."""
    path = safe_text(text)
    return path if len(path) <= LONGEST_PATH else path[: LONGEST_PATH - 1] + "…"


def unique(members: Iterator[Member]) -> Iterator[Member]:
    """The same members; a path that was there before gets a number, so that no file hides another."""
    seen: set[int] = set()  # hashes of 64 bits: a million paths themselves would cost memory
    for member in members:
        path, number = member.path, 1
        while hash(path) in seen:
            number += 1
            path = f"{member.path} ({number})"
        seen.add(hash(path))
        yield member if path == member.path else replace(member, path=path)


def refusals(refused: Counter[str]) -> str:
    """What was left out, in words; empty where nothing was."""
    if not refused:
        return ""
    parts = [f"{count} × {what}" for what, count in sorted(refused.items())]
    return "left out: " + ", ".join(parts)
