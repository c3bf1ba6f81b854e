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
Lines = frozenset[str]


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
    return len(one & other) / len(one | other) if one or other else 0.0


class Index:
    """Signatures by their bands, and a byte of each minimum: 192 bytes a text, so that a million fit."""

    def __init__(self, most: int) -> None:
        self._keys = np.zeros((most, BANDS), dtype=np.uint64)
        self._minima = np.zeros((most, PERMUTATIONS), dtype=np.uint8)
        self._count = 0

    def add(self, signatures: Sequence[bytes]) -> None:
        """Those of the next texts, in their order."""
        minima = np.frombuffer(b"".join(signatures), dtype=np.uint32).reshape(-1, PERMUTATIONS)
        bands = minima.reshape(-1, BANDS, PERMUTATIONS // BANDS)
        keys = np.zeros(bands.shape[:2], dtype=np.uint64)
        for column in range(bands.shape[2]):
            keys = keys * PRIME + bands[:, :, column]
        begin, self._count = self._count, self._count + len(signatures)
        self._keys[begin : self._count] = keys
        self._minima[begin : self._count] = minima & 0xFF

    def find(self, names: Sequence[Name], read: Callable[[Name], Lines]) -> Iterator[Near[Name]]:
        """Every pair of a text and an earlier one like it; `names` are those added, `read` gives a text's lines.

        Not only the first of a kind is told, since it may be masked where others are not."""
        for late, earlier in self._candidates():
            for early in self._likely(late, earlier):
                similarity = jaccard(read(names[late]), read(names[early]))
                if similarity >= SIMILAR:
                    yield Near(names[late], names[early], round(similarity, 3))

    def _likely(self, late: int, earlier: list[int]) -> list[int]:
        """Those whose lines are worth reading: the first that may be like it, and those that seem the most alike."""
        equal = np.count_nonzero(self._minima[earlier] == self._minima[late], axis=1).tolist()
        likely = {early: count for early, count in zip(earlier, equal, strict=True) if count >= LIKELY}
        most = sorted(likely, key=lambda early: (-likely[early], early))
        return list(dict.fromkeys([*list(likely)[:EARLIEST], *most]))[:MOST_TRIES]

    def _candidates(self) -> Iterator[tuple[int, list[int]]]:
        """Of each text the earlier ones with which it shares a band, in their order."""
        found: dict[int, set[int]] = {}
        for band in range(BANDS):
            keys = self._keys[: self._count, band]
            order = np.argsort(keys, kind="stable")
            column = keys[order]
            starts = np.flatnonzero(np.r_[True, column[1:] != column[:-1]]) if len(column) else np.zeros(0, dtype=int)
            sizes = np.diff(np.r_[starts, len(column)])
            for start, size in zip(starts[sizes > 1], sizes[sizes > 1], strict=True):
                group = order[start : start + size]
                for early, late in self._pairs(group, band):
                    found.setdefault(late, set()).add(early)
        for late in sorted(found):
            yield late, sorted(found[late])

    def _pairs(self, group: NDArray[np.int64], band: int) -> Iterator[tuple[int, int]]:
        """(earlier, later) among those that share a band: each with the first few, and with its nearest few.

        Near is what shares the next bands too; without that a twin is lost among many texts that are half alike."""
        told = group.tolist()
        first = told[:FAMILY]
        for place in range(1, len(told)):
            yield from ((early, told[place]) for early in first[:place])
        if len(told) <= FAMILY + 1:
            return
        following = [self._keys[group, (band + step) % BANDS] for step in range(DEEPER, 0, -1)]
        near = group[np.lexsort(following)].tolist()
        for place, one in enumerate(near):
            for other in near[place + 1 : place + 1 + NEAREST]:
                early, late = min(one, other), max(one, other)
                if early not in first:
                    yield early, late
