"""What can be told of a text without looking at its words: few digits, none of some rare letters in a row; pure."""

from collections.abc import Iterable

import numpy as np
from numpy.typing import NDArray

ODD = np.uint32(0x9E3779B1)
"""Multiplies four characters so that the upper half of the product tells most of them apart."""


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


class Fours:
    """Words of four ASCII characters, all looked for in one pass, which takes as long as looking for four of them."""

    def __init__(self, words: Iterable[str]) -> None:
        self._words = {int.from_bytes(word.encode("ascii"), "little"): word for word in words}
        self._table = np.zeros(1 << 16, dtype=bool)
        self._table[_places(np.array(sorted(self._words), dtype=np.uint32))] = True

    def found_in(self, text: str) -> set[str]:
        """Those that stand anywhere in a text."""
        raw = _bytes(text)
        found: set[str] = set()
        for start in range(min(4, max(0, len(raw) - 3))):
            fours = np.frombuffer(raw, "<u4", (len(raw) - start) // 4, start)
            likely = fours[self._table.take(_places(fours), mode="clip")]
            if likely.size:
                found.update(self._words[four] for four in likely.tolist() if four in self._words)
        return found


def _places(fours: NDArray[np.uint32]) -> NDArray[np.uint32]:
    """Where each stands in a table of 65 536."""
    return (fours * ODD) >> np.uint32(16)


def _bytes(text: str) -> bytes:
    return text.encode("utf-8", "surrogatepass")
