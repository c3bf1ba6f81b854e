"""Training rows of the starter: half plain code, half fill-in-the-middle in the layout that it is served with."""

from array import array
from bisect import bisect_left
from itertools import accumulate
from random import Random

from tokenizers import Tokenizer

from backend.models.starter.vocabulary import EOT, MIDDLE, PREFIX, SUFFIX
from backend.train.fim import split

FIM_SHARE = 0.5
CHARACTERS = 3.4
"""Of a token, a little low, so that a row is mostly filled by one piece."""


class Rows:
    """Rows of exactly `length` tokens, the same for the same step and tokens `before`."""

    def __init__(self, texts: list[str], tokenizer: Tokenizer, before: int = 0) -> None:
        self._texts, self._before = texts, before
        self._ends = array("q", accumulate(map(len, texts)))
        self._tokenizer = tokenizer
        self._eot, self._prefix, self._suffix, self._middle = (
            int(tokenizer.token_to_id(mark) or 0) for mark in (EOT, PREFIX, SUFFIX, MIDDLE)
        )

    def batch(self, step: int, rows: int, length: int) -> list[list[int]]:
        """The rows of one step; every step has its own random numbers, so a resumed run draws the same."""
        random = Random(f"rows:{self._before + step}" if self._before else f"rows:{step}")
        return [self._row(random, length) for _ in range(rows)]

    def _row(self, random: Random, length: int) -> list[int]:
        row: list[int] = []
        while len(row) < length:
            row += self._piece(random, length - len(row))
        return row[:length]

    def _piece(self, random: Random, room: int) -> list[int]:
        window, ended = self._window(random, int(room * CHARACTERS) + 40)
        if room >= 48 and random.random() < FIM_SHARE and (parts := split(window, random)):
            prefix, middle, suffix = (self._ids(part) for part in (parts.prefix, parts.middle, parts.suffix))
            left = room - len(middle) - 4
            if left >= 16:
                # What stands near the cursor decides: the prefix keeps its end, the suffix its beginning.
                behind = min(len(suffix), max(left // 4, left - len(prefix)))
                ahead = min(len(prefix), left - behind)
                context = [self._prefix, self._suffix, *suffix[:behind], self._middle, *prefix[len(prefix) - ahead :]]
                return [*context, *middle, self._eot]
        ids = self._ids(window)
        return [*ids, self._eot] if ended else ids

    def _window(self, random: Random, size: int) -> tuple[str, bool]:
        """Whole lines of one document from a random place on, and whether the document ends there."""
        place = random.randrange(self._ends[-1])
        number = bisect_left(self._ends, place + 1)
        text = self._texts[number]
        offset = place - (self._ends[number] - len(text))
        start = (
            0
            if random.random() < 0.15 or len(text) <= size
            else text.rfind("\n", 0, min(offset, len(text) - size // 2)) + 1
        )
        return text[start : start + size], start + size >= len(text)

    def _ids(self, text: str) -> list[int]:
        return list(self._tokenizer.encode(text, add_special_tokens=False).ids)
