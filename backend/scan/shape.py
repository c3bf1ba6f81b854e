"""What can be told of a text without looking at its words: few digits, none of some rare groups of letters; pure."""

from collections.abc import Iterable

import numpy as np
from numpy.typing import NDArray

ODD = np.uint32(0x9E3779B1)
"""Multiplies four bytes so that the upper BITS of the product tell most of them apart."""
BITS = 19


def digits(text: str) -> float:
    """Share of decimal digits among the characters that are not blank; 0 for none."""
    visible = len("".join(text.split()))
    return sum(map(text.count, "0123456789")) / visible if visible else 0.0


def has_more_digits(text: str, share: float) -> bool:
    """Whether `digits` is over `share`; of most texts a look at their bytes tells that it is not."""
    raw = np.frombuffer(_bytes(text), np.uint8)
    numbers = np.count_nonzero((raw - ord("0")) < 10)
    # As signed numbers the bytes outside ASCII are negative: what is seen here is never more than there is.
    seen = np.count_nonzero(raw.view(np.int8) > ord(" "))
    return bool(numbers > share * seen) and digits(text) > share


class Signs:
    """Words of four or five bytes, all looked for in one pass over every second place of a text.

    One of five is found wherever it stands, since four of it stand at an even place; one of four only at those."""

    def __init__(self, words: Iterable[tuple[bytes, str]]) -> None:
        """Each word with what it is the sign of."""
        self._words: dict[int, list[tuple[int, bytes, str]]] = {}
        for word, what in words:
            for start in range(len(word) - 3):
                four = int.from_bytes(word[start : start + 4], "little")
                self._words.setdefault(four, []).append((start, word, what))
        self._table = np.zeros(1 << BITS, dtype=bool)
        self._table[_places(np.array(sorted(self._words), dtype=np.uint32))] = True

    def found_in(self, text: str) -> set[str]:
        """What the words that stand there are signs of."""
        raw = _bytes(text)
        found: set[str] = set()
        for begin in (0, 2) if len(raw) >= 6 else (0,) if len(raw) >= 4 else ():
            fours = np.frombuffer(raw, "<u4", (len(raw) - begin) // 4, begin)
            likely = np.flatnonzero(self._table.take(_places(fours), mode="clip"))
            for place, four in zip(likely.tolist(), fours[likely].tolist(), strict=True):
                for start, word, what in self._words.get(four, ()):
                    at = begin + 4 * place - start
                    if at >= 0 and raw.startswith(word, at):
                        found.add(what)
        return found


def _places(fours: NDArray[np.uint32]) -> NDArray[np.uint32]:
    """Where in a table each is looked up."""
    return (fours * ODD) >> np.uint32(32 - BITS)


def _bytes(text: str) -> bytes:
    return text.encode("utf-8", "surrogatepass")
