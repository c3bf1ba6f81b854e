"""What a source yields, the limits it keeps to, and how names from outside are made safe to store and show."""

import time
import unicodedata
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import PurePosixPath

from msgspec import Struct
from msgspec.structs import replace

from backend.errors import TooLarge

LARGEST_READ = 512 * 1024
"""Bytes; what is larger cannot become training data, so its content is not kept."""
HEAD = 8192
"""Bytes of a larger file that are looked at."""
MOST_BYTES = 8 * 1024**3
MOST_MEMBERS = 1_000_000
LONGEST_S = 2 * 3600.0
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
        self._ends = time.monotonic() + LONGEST_S

    def take(self, size: int) -> None:
        """One more member of `size` bytes."""
        self.check_time()
        self._members += 1
        self._bytes += size
        if self._members > MOST_MEMBERS:
            raise too_many()
        if self._bytes > MOST_BYTES:
            raise TooLarge(f"It unpacks to more than {MOST_BYTES // 1024**3} GiB.", "Add it in parts.")
        if self._packed is not None and self._bytes > max(RATIO_FREE_BYTES, MOST_RATIO * self._packed):
            raise TooLarge(
                f"It unpacks to more than {MOST_RATIO} times its size, as archives made to fill disks do.",
                "If you trust it, unpack it yourself and add the folder.",
            )

    def check_time(self) -> None:
        """Between two pieces of a member."""
        if time.monotonic() > self._ends:
            raise TooLarge(f"Reading it took longer than {LONGEST_S / 3600:.0f} hours.", "Add it in parts.")


def too_many() -> TooLarge:
    """The refusal of a source with too many members."""
    return TooLarge(f"It has more than {MOST_MEMBERS:,} members.", "Add it in parts.")


def said(error: Exception) -> str:
    """A library's own words about data that it cannot read, safe to show."""
    return safe_text(str(error)) or "it ends too early"


def name_refused(name: str) -> str | None:
    """Why a member of this name is left out, or None."""
    if name.startswith(("/", "\\")) or (len(name) > 1 and name[1] == ":"):
        return "absolute path"
    if ".." in PurePosixPath(name.replace("\\", "/")).parts:
        return "path with .."
    return None


def plain(name: str) -> str:
    """The name without the `./` that some archives have before every one."""
    return name[2:] if name.startswith("./") else name


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
    """A member's path as it is stored: printable and of bounded length, with its end, which tells the language."""
    path = safe_text(text)
    half = LONGEST_PATH // 2
    return path if len(path) <= LONGEST_PATH else f"{path[: half - 1]}…{path[-half:]}"


def unique(members: Iterator[Member]) -> Iterator[Member]:
    """The same members; a path that was there before gets a number before its suffix, so that no file hides another."""
    seen: set[int] = set()  # hashes of 64 bits: a million paths themselves would cost memory
    for member in members:
        path, number = member.path, 1
        while hash(path) in seen:
            number += 1
            suffix = PurePosixPath(member.path).suffix
            path = f"{member.path.removesuffix(suffix)} ({number}){suffix}"
        seen.add(hash(path))
        yield member if path == member.path else replace(member, path=path)


def refusals(refused: Counter[str]) -> str:
    """What was left out, in words; empty where nothing was."""
    if not refused:
        return ""
    parts = [f"{count} × {what}" for what, count in sorted(refused.items())]
    return "left out: " + ", ".join(parts)
