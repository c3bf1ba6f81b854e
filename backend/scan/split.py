"""Which accepted files are held out for testing: by file, deterministic, the same for the same files; pure."""

import hashlib
import math
from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

SHARE = 0.10
FEWEST, MOST = 4, 500
WANTED_TOKENS = 10_000
"""Held out where that takes no more than a quarter of the files."""
NEEDED_TOKENS = 8_000
"""Less is too little to judge by; up to half of the files are held out to reach it."""


@dataclass(frozen=True)
class Candidate:
    """One accepted file."""

    id: int
    source: str
    path: str
    language: str
    tokens: int
    set: str
    """Its source's set: `auto`, `train` or `test`."""


def held_out(candidates: Sequence[Candidate]) -> set[int]:
    """Ids of the test files. Sources of the sets train and test are obeyed; the rest is split where it has to be."""
    test = {one.id for one in candidates if one.set == "test"}
    tokens = sum(one.tokens for one in candidates if one.set == "test")
    automatic = [one for one in candidates if one.set == "auto" and one.tokens > 0]
    if test and tokens >= NEEDED_TOKENS:
        return test
    count = len(automatic)
    half = count // 2
    quarter = min(max(count // 4, FEWEST), half)
    wanted = min(max(math.ceil(SHARE * count), FEWEST), MOST, quarter)
    for chosen, one in enumerate(in_turn(automatic)):
        limit = wanted if tokens >= WANTED_TOKENS else quarter if tokens >= NEEDED_TOKENS else half
        if chosen >= limit or (chosen >= MOST and tokens >= NEEDED_TOKENS):
            break
        test.add(one.id)
        tokens += one.tokens
    return test


def in_turn(candidates: Iterable[Candidate]) -> list[Candidate]:
    """The files in an order of which every beginning has each source and language in proportion."""
    strata: dict[tuple[str, str], list[tuple[str, Candidate]]] = defaultdict(list)
    for one in candidates:
        key = hashlib.sha256(f"{one.source}\0{one.path}".encode("utf-8", "surrogatepass")).hexdigest()
        strata[one.source, one.language].append((key, one))
    ordered: list[tuple[float, str, Candidate]] = []
    for stratum in strata.values():
        stratum.sort(key=lambda pair: pair[0])
        ordered += [((index + 0.5) / len(stratum), key, one) for index, (key, one) in enumerate(stratum)]
    return [one for _, _, one in sorted(ordered, key=lambda triple: triple[:2])]
