"""A batch of files judged, in this process or in one beside it: hash, verdict, packed content, signature."""

import hashlib
from collections.abc import Callable

from msgspec import Struct

from backend.scan.duplicates import signature
from backend.scan.linguist.attributes import Said
from backend.scan.patience import TooSlow, patience
from backend.scan.rules import Judgement, judge, may_include
from backend.scan.text import decode
from backend.sources.folder import loaded
from backend.sources.members import Member
from backend.store.content import packer

Known = dict[str, tuple[str, Judgement]]
"""What the last scan found, by path: sha256 and judgement."""
Batch = list[tuple[Member, tuple[str, Judgement] | None, Said]]
"""Files, each with what is known of it and what its project says of it."""
LONGEST_S = 5.0
"""Processor time for one file; the largest need some tenths of a second."""


class Judged(Struct, frozen=True):
    """One file's row, and what is to be kept of it where that is new."""

    path: str
    size: int
    sha256: str
    found: Judgement
    packed: bytes | None = None
    """The content, compressed as the store keeps it."""
    signature: bytes | None = None


def judge_batch(batch: Batch) -> list[Judged]:
    """Every file of a batch, in its order; what is known already is not judged again.

    Each step is done for all of them before the next: a processor is quicker at one thing again and again."""
    pack = packer()
    files = [loaded(member) for member, _, _ in batch]
    hashes = [hashlib.sha256(file.data).hexdigest() if file.data is not None else "" for file in files]
    asked = zip(files, hashes, batch, strict=True)
    with patience(LONGEST_S) as begin:
        found = [_found(file, sha, before, said, begin) for file, sha, (_, before, said) in asked]
    kept = [_kept(file, one, before) for file, one, (_, before, _) in zip(files, found, batch, strict=True)]
    signed = [
        signature(decode(data) or "") if data is not None and _usable(one) else None
        for data, one in zip(kept, found, strict=True)
    ]
    packed = [pack(data) if data is not None else None for data in kept]
    steps = zip(files, hashes, found, packed, signed, strict=True)
    return [Judged(file.path, file.size, sha, one, data, words) for file, sha, one, data, words in steps]


def _found(
    file: Member, sha256: str, before: tuple[str, Judgement] | None, said: Said, begin: Callable[[], None]
) -> Judgement:
    if before and before[0] == sha256 != "":
        return before[1]
    begin()
    try:
        return judge(file.path, file.size, file.data, file.error, file.head, said)
    except TooSlow:
        words = f"judging it takes longer than {LONGEST_S:.0f} s, as with texts made to be slow"
        return Judgement(None, False, "linguist_error", words)


def _usable(found: Judgement) -> bool:
    """Whether it may be trained on; a mask can bring it in where a rule has refused it."""
    return found.reason is None or may_include(found.reason, before=True)


def _kept(file: Member, found: Judgement, before: tuple[str, Judgement] | None) -> bytes | None:
    """What of a file is to be kept and is not yet: text that was refused too, for the preview, but nowhere a secret."""
    known = before is not None and found is before[1]
    return file.data if found.text_ok and not found.secret and not known else None
