"""Near-duplicates by MinHash (Broder 1997) over a text's lines: candidates by equal bands, then counted exactly; pure.

Two texts are near-duplicates when they share at least SIMILAR of their telling lines (Jaccard). Candidates come from
rensa's signatures; whether they are alike is decided on the lines themselves, so no estimate refuses a file.
"""

from array import array
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass

import numpy as np
from rensa import RMinHash

PERMUTATIONS, BANDS, SEED = 64, 16, 42
"""Of 16 bands of 4, one is equal in all but one of a million pairs that are SIMILAR."""
SIMILAR = 0.85
TELLING = 4
"""Characters of a line that counts."""
FEWEST_LINES = 8
"""A text with fewer telling lines is like many others; only an equal one is its duplicate."""
MOST_TRIES = 8
"""Earlier texts that one text is compared with."""
PRIME = np.uint64(0x9E3779B97F4A7C15)
Lines = frozenset[str]


@dataclass(frozen=True)
class Near:
    """A text and the earliest one that it is nearly the same as."""

    sha256: str
    twin: str
    similarity: float


def telling(text: str) -> Lines:
    """The lines by which texts are compared."""
    return frozenset({line for raw in text.split("\n") if len(line := raw.strip()) >= TELLING})


def signature(text: str) -> bytes | None:
    """PERMUTATIONS unsigned 32-bit minima; None for a text with too little in it."""
    lines = telling(text)
    if len(lines) < FEWEST_LINES:
        return None
    sketch = RMinHash(num_perm=PERMUTATIONS, seed=SEED)
    sketch.update(list(lines))
    return array("I", sketch.digest()).tobytes()


def jaccard(one: Lines, other: Lines) -> float:
    """Shared lines over all lines; 0 for nothing."""
    return len(one & other) / len(one | other) if one or other else 0.0


def find(shas: list[str], signatures: Iterable[bytes], read: Callable[[str], Lines]) -> Iterator[Near]:
    """Each text of `shas`, in their order, that is nearly the same as an earlier one; `read` gives a text's lines."""
    for late, earlier in _candidates(_keys(signatures)):
        lines = read(shas[late])
        for early in earlier[:MOST_TRIES]:
            similarity = jaccard(lines, read(shas[early]))
            if similarity >= SIMILAR:
                yield Near(shas[late], shas[early], round(similarity, 3))
                break


def _keys(signatures: Iterable[bytes]) -> np.ndarray:
    """(texts, BANDS) unsigned 64-bit: one number for each band of each signature."""
    rows = np.frombuffer(b"".join(signatures), dtype=np.uint32).reshape(-1, BANDS, PERMUTATIONS // BANDS)
    keys = np.zeros(rows.shape[:2], dtype=np.uint64)
    for column in range(rows.shape[2]):
        keys = keys * PRIME + rows[:, :, column]
    return keys


def _candidates(keys: np.ndarray) -> Iterator[tuple[int, list[int]]]:
    """Of each text the earlier ones with which it shares a band, the earliest first."""
    found: dict[int, set[int]] = {}
    for band in range(keys.shape[1]):
        order = np.argsort(keys[:, band], kind="stable")
        column = keys[order, band]
        starts = np.flatnonzero(np.r_[True, column[1:] != column[:-1]])
        sizes = np.diff(np.r_[starts, len(column)])
        for start, size in zip(starts[sizes > 1], sizes[sizes > 1], strict=True):
            group = order[start : start + size]
            for place in range(1, size):
                found.setdefault(int(group[place]), set()).update(int(one) for one in group[: min(place, MOST_TRIES)])
    for late in sorted(found):
        yield late, sorted(found[late])
