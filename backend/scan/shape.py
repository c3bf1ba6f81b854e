"""What can be told of a text without looking at its words: few digits, none of some rare groups of letters; pure."""

from collections.abc import Mapping

import numpy as np
from numpy.typing import NDArray

ODD = np.uint32(0x9E3779B1)
"""Multiplies four bytes so that the upper BITS of the product tell most of them apart."""
BITS = 17


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
    """Groups of four bytes, all looked for at every even place of a text in one pass, each the sign of something."""

    def __init__(self, signs: Mapping[bytes, str]) -> None:
        self._signs = {int.from_bytes(four, "little"): what for four, what in signs.items()}
        self._table = np.zeros(1 << BITS, dtype=bool)
        self._table[_places(np.array(sorted(self._signs), dtype=np.uint32))] = True

    def found_in(self, text: str) -> set[str]:
        """What the groups that stand there are signs of."""
        raw = _bytes(text)
        found: set[str] = set()
        for start in (0, 2) if len(raw) >= 6 else (0,) if len(raw) >= 4 else ():
            fours = np.frombuffer(raw, "<u4", (len(raw) - start) // 4, start)
            likely = fours[self._table.take(_places(fours), mode="clip")]
            found.update([self._signs[four] for four in likely.tolist() if four in self._signs])
        return found


def _places(fours: NDArray[np.uint32]) -> NDArray[np.uint32]:
    """Where in a table each is looked up."""
    return (fours * ODD) >> np.uint32(32 - BITS)


def _bytes(text: str) -> bytes:
    return text.encode("utf-8", "surrogatepass")
