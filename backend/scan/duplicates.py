"""Near-duplicates by MinHash (Broder 1997) over a text's lines: candidates by equal bands, then counted exactly; pure.

Two texts are near-duplicates when they share at least SIMILAR of their telling lines (Jaccard). Candidates come from
rensa's signatures; whether they are alike is decided on the lines themselves, so no estimate refuses a file.
"""

from array import array
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Generic, TypeVar

import numpy as np
from numpy.typing import NDArray
from rensa import RMinHash

from backend.scan.verdict import FAMILY

PERMUTATIONS, BANDS, SEED = 64, 16, 42
"""Of 16 bands of 4, one is equal in all but one of a million pairs that are SIMILAR."""
SIMILAR = 0.85
TELLING = 4
"""Characters of a line that counts."""
FEWEST_LINES = 8
"""A text with fewer telling lines is like many others; only an equal one is its duplicate."""
MOST_TRIES, EARLIEST = 8, 2
"""Earlier texts that one text is compared with, and how many of them are the first that may be like it."""
LIKELY = 39
"""Equal minima of two signatures; of texts that are SIMILAR one pair in a million has fewer."""
NEAREST, DEEPER = 2, 3
"""Of a group that shares a band: neighbours in its order that are looked at, and the bands that order it.

Beside them each is looked at with the first FAMILY."""
PRIME = np.uint64(0x9E3779B97F4A7C15)
AT_ONCE = 1 << 16
"""Pairs of which the minima are compared at once: 8 MB."""
Lines = frozenset[str]
Numbers = NDArray[np.int32]


Name = TypeVar("Name", bytes, str)


@dataclass(frozen=True)
class Near(Generic[Name]):
    """A text and an earlier one that it is nearly the same as, by the names of their contents."""

    sha256: Name
    twin: Name
    similarity: float


def telling(text: str) -> Lines:
    """The lines by which texts are compared."""
    return frozenset(_telling(text))


def _telling(text: str) -> list[str]:
    return [line for line in map(str.strip, text.split("\n")) if len(line) >= TELLING]


def signature(text: str) -> bytes | None:
    """PERMUTATIONS unsigned 32-bit minima; None for a text with too little in it."""
    lines = _telling(text)
    # Most texts show within a few lines that they have enough; a minimum is the same for lines that come twice.
    if all(len(set(some)) < FEWEST_LINES for some in (lines[: 4 * FEWEST_LINES], lines)):
        return None
    sketch = RMinHash(num_perm=PERMUTATIONS, seed=SEED)
    sketch.update(lines)
    return array("I", sketch.digest()).tobytes()


def jaccard(one: Lines, other: Lines) -> float:
    """Shared lines over all lines; 0 for nothing."""
    shared = len(one & other)
    return shared / (len(one) + len(other) - shared) if one or other else 0.0


def alike(late: Name, earlier: Sequence[Name], read: Callable[[Name], Lines]) -> Iterator[Near[Name]]:
    """Every pair of a text and an earlier one like it; `read` gives a text's lines.

    Not only the first of a kind is told, since it may be masked where others are not."""
    for early in earlier:
        similarity = jaccard(read(late), read(early))
        if similarity >= SIMILAR:
            yield Near(late, early, round(similarity, 3))


class Index:
    """Signatures by their bands, and a byte of each minimum: 128 bytes a text, so that a million fit."""

    def __init__(self, most: int) -> None:
        self._keys = np.zeros((most, BANDS), dtype=np.uint32)
        self._minima = np.zeros((most, PERMUTATIONS), dtype=np.uint8)
        self._count = 0

    def add(self, signatures: Sequence[bytes]) -> None:
        """Those of the next texts, in their order."""
        minima = np.frombuffer(b"".join(signatures), dtype=np.uint32).reshape(-1, PERMUTATIONS)
        bands = minima.reshape(-1, BANDS, PERMUTATIONS // BANDS)
        keys = np.zeros(bands.shape[:2], dtype=np.uint64)
        for column in range(bands.shape[2]):
            keys = (keys + bands[:, :, column]) * PRIME
        begin, self._count = self._count, self._count + len(signatures)
        self._keys[begin : self._count] = keys >> np.uint64(32)
        self._minima[begin : self._count] = minima & 0xFF

    def candidates(self) -> Iterator[tuple[int, list[int]]]:
        """Of each text the earlier ones whose lines are worth reading, both by their place among those added."""
        likely = self._likely()
        for late in sorted(likely):
            yield late, _worth_reading(likely.pop(late))

    def _likely(self) -> dict[int, dict[int, int]]:
        """Of each text the earlier ones that share a band and LIKELY minima with it, and how many minima."""
        found: dict[int, dict[int, int]] = {}
        for early, late in (pair for band in range(BANDS) for pair in self._pairs(band)):
            for start in range(0, len(early), AT_ONCE):
                one, other = early[start : start + AT_ONCE], late[start : start + AT_ONCE]
                equal = np.count_nonzero(self._minima[one] == self._minima[other], axis=1)
                kept = np.flatnonzero(equal >= LIKELY)
                told = zip(one[kept].tolist(), other[kept].tolist(), equal[kept].tolist(), strict=True)
                for first, second, count in told:
                    found.setdefault(second, {})[first] = count
        return found

    def _pairs(self, band: int) -> Iterator[tuple[Numbers, Numbers]]:
        """Earlier and later of those that share a band: each with the first few, and with its nearest few.

        Near is what shares the next bands too; without that a twin is lost among many texts that are half alike."""
        keys = self._keys[: self._count, band]
        order = np.argsort(keys, kind="stable").astype(np.int32)
        begins = np.flatnonzero(np.diff(keys[order], prepend=~keys[order[:1]])).astype(np.int32)
        sizes = np.diff(begins, append=np.int32(len(order)))
        group = np.repeat(np.arange(len(begins), dtype=np.int32), sizes)
        place = np.arange(len(order), dtype=np.int32) - begins[group]
        for nth in range(FAMILY):
            later = np.flatnonzero(place > nth)
            yield order[begins[group[later]] + nth], order[later]
        large = np.flatnonzero(sizes[group] > FAMILY + 1)
        following = [self._keys[order[large], (band + step) % BANDS] for step in range(DEEPER, 0, -1)]
        near = large[np.lexsort([*following, group[large]])]
        for step in range(1, NEAREST + 1):
            one, other = near[:-step], near[step:]
            early, late = np.minimum(one, other), np.maximum(one, other)
            new = (group[one] == group[other]) & (place[early] >= FAMILY)
            yield order[early[new]], order[late[new]]


def _worth_reading(likely: dict[int, int]) -> list[int]:
    """The first that may be alike, and those that seem the most alike."""
    most = sorted(likely, key=lambda early: (-likely[early], early))
    return list(dict.fromkeys([*sorted(likely)[:EARLIEST], *most]))[:MOST_TRIES]
