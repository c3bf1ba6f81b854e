"""Cuts texts into pieces that fit a row and packs sequences into rows with little padding, losing nothing; pure."""

from bisect import bisect_left, insort
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

Encode = Callable[[str], list[int]]


@dataclass(frozen=True)
class Document:
    """Token ids that may see each other and nothing else, with the weight of predicting each of them."""

    ids: list[int]
    weights: list[float]


@dataclass
class Row:
    """Sequences side by side, at most `room` tokens together."""

    room: int
    sequences: list[Document] = field(default_factory=list)

    @property
    def used(self) -> int:
        return sum(len(one.ids) for one in self.sequences)


def cut(text: str, room: int, encode: Encode) -> list[str]:
    """`text` in consecutive pieces of at most `room` tokens each, at ends of lines where lines are short enough.

    The pieces joined are the text. A single character that takes more than `room` tokens is left whole."""
    lines = text.splitlines(keepends=True)
    return _merged(lines, [len(encode(line)) for line in lines], room, encode)


def _merged(parts: Sequence[str], sizes: Sequence[int], room: int, encode: Encode) -> list[str]:
    """Neighbouring parts joined while they fit; a part that does not fit alone is halved."""
    pieces: list[str] = []
    held: list[str] = []
    total = 0
    for part, size in zip(parts, sizes, strict=True):
        if held and total + size > room:
            pieces.extend(_fitting("".join(held), room, encode))
            held, total = [], 0
        held.append(part)
        total += size
    if held:
        pieces.extend(_fitting("".join(held), room, encode))
    return pieces


def _fitting(text: str, room: int, encode: Encode) -> list[str]:
    """The text, halved until every part fits: tokens of joined lines need not be the sum of the lines' tokens."""
    if len(text) <= 1 or len(encode(text)) <= room:
        return [text]
    half = len(text) // 2
    line_end = text.rfind("\n", 0, half) + 1
    half = line_end or half
    return [*_fitting(text[:half], room, encode), *_fitting(text[half:], room, encode)]


def pack(sequences: Sequence[Document], room: int) -> list[Row]:
    """Rows of at most `room` tokens that hold every sequence once: longest first, each into the fullest row it fits.

    Raises ValueError for a sequence that is longer than a row; it must have been cut before."""
    rows: list[Row] = []
    gaps: list[tuple[int, int]] = []
    for sequence in sorted(sequences, key=lambda one: -len(one.ids)):
        size = len(sequence.ids)
        if size > room:
            raise ValueError(f"a sequence of {size} tokens does not fit a row of {room}")
        place = bisect_left(gaps, (size, -1))
        if place < len(gaps):
            gap, number = gaps.pop(place)
        else:
            gap, number = room, len(rows)
            rows.append(Row(room))
        rows[number].sequences.append(sequence)
        insort(gaps, (gap - size, number))
    return rows
