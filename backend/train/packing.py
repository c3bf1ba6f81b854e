"""Cuts texts into pieces that fit a row and packs sequences into rows with little padding, losing nothing; pure."""

from bisect import bisect_left, bisect_right, insort
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field

Encode = Callable[[str], list[int]]
GIVEN_UP = 0.01
"""Share of a row that may stay empty so that a piece ends with a line."""


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
        """Tokens that are in it so far."""
        return sum(len(one.ids) for one in self.sequences)


def cut(text: str, ends: Sequence[int], room: Callable[[], int]) -> Iterator[str]:
    """`text` in consecutive pieces, the next one of about `room()` tokens; the pieces joined are the text.

    A piece ends with a line where that leaves little room empty, else before a blank, never inside a word that is
    shorter than half a row. `ends` says behind which character each token of the text ends. Encoded apart, a piece
    may take a few tokens more than it does inside the text, so the caller counts again (see `halves`)."""
    start = 0
    while start < len(text):
        first, size = bisect_right(ends, start), max(room(), 1)
        if len(ends) - first <= size:
            yield text[start:]
            return
        limit = max(ends[first + size - 1], start + 1)
        enough = max(ends[first + size - 1 - int(size * GIVEN_UP)], start + 1)
        line = text.rfind("\n", start, limit) + 1
        end = line if line >= enough else _blank(text, max(line, (start + limit) // 2), limit) or line or limit
        yield text[start:end]
        start = end


def _blank(text: str, low: int, high: int) -> int:
    """The last blank behind a word in a range, its end included, or 0."""
    place = min(high, len(text) - 1)
    while place > low:
        if text[place].isspace() and not text[place - 1].isspace():
            return place
        place -= 1
    return 0


def halves(text: str, room: int, encode: Encode) -> list[tuple[str, list[int]]]:
    """The text with its ids, halved at ends of lines, or anywhere, until every part takes at most `room` tokens.

    A single character that takes more is left whole."""
    ids = encode(text)
    if len(ids) <= room or len(text) <= 1:
        return [(text, ids)]
    half = len(text) // 2
    half = text.rfind("\n", 0, half) + 1 or half
    return [*halves(text[:half], room, encode), *halves(text[half:], room, encode)]


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
