"""Which accepted files are held out for testing: the most recently changed, else by hash; deterministic and pure."""

import hashlib
import heapq
import math
from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass, field

from backend.wire import SplitBy

SHARE = 0.10
FEWEST, MOST = 4, 500
WANTED_TOKENS = 10_000
"""Held out where that takes no more than a quarter of the files."""
NEEDED_TOKENS = 8_000
"""Less is too little to judge by; up to half of the files are held out to reach it."""
REMEMBERED = 4 * MOST
"""Files of one source and language among which it is chosen; of a million no more can be needed."""


@dataclass(frozen=True)
class Candidate:
    """One accepted file of a source that is split by us."""

    id: int
    source: str
    path: str
    language: str
    tokens: int
    commits_ago: int | None = None
    """When it was last changed; None where git does not tell, or longer ago than all of which it does."""


@dataclass
class Stratum:
    """Files of one source and language: how many, and those that would be held out first."""

    count: int = 0
    first: list[tuple[float, int, int, int]] = field(default_factory=list)
    """A heap of (negative age, negative hash, id, tokens): the oldest with the largest hash is the first to go."""
    ages: set[float] = field(default_factory=set)
    """Two at most: where all files have the same, it says nothing."""

    def add(self, key: int, one: Candidate) -> None:
        """Take note of a candidate; `key` is its hash, by which those of one age are ordered."""
        self.count += 1
        age = -math.inf if one.commits_ago is None else -float(one.commits_ago)
        if len(self.ages) < 2:
            self.ages.add(age)
        entry = age, -key, one.id, one.tokens
        if len(self.first) < REMEMBERED:
            heapq.heappush(self.first, entry)
        elif entry > self.first[0]:
            heapq.heapreplace(self.first, entry)

    def in_turn(self) -> Iterable[tuple[float, int, int, int, SplitBy]]:
        """(place from 0 to 1, hash, id, tokens, by what), the most recently changed first, then by hash."""
        by: SplitBy = "time" if len(self.ages) > 1 else "hash"
        for index, (_, key, id_, tokens) in enumerate(sorted(self.first, reverse=True)):
            yield (index + 0.5) / self.count, -key, id_, tokens, by


class Split:
    """Takes files in any order and any number; sources of the set `test` are known by their tokens alone."""

    def __init__(self, has_test: bool, test_tokens: int) -> None:
        self._has_test, self._tokens = has_test, test_tokens
        self._strata: dict[tuple[str, str], Stratum] = defaultdict(Stratum)
        self.by: SplitBy = ""
        """How the files were chosen that `held_out` gave."""

    def add(self, candidates: Iterable[Candidate]) -> None:
        """More files; empty ones are never held out."""
        for one in candidates:
            if one.tokens > 0:
                digest = hashlib.sha256(f"{one.source}\0{one.path}".encode("utf-8", "surrogatepass")).digest()
                self._strata[one.source, one.language].add(int.from_bytes(digest[:8]), one)

    def held_out(self) -> set[int]:
        """Ids of the files to hold out: each beginning of the choice has each source and language in proportion."""
        tokens = self._tokens
        if self._has_test and tokens >= NEEDED_TOKENS:
            return set()
        test: set[int] = set()
        ways: set[SplitBy] = set()
        count = sum(stratum.count for stratum in self._strata.values())
        half = count // 2
        quarter = min(max(count // 4, FEWEST), half)
        wanted = min(max(math.ceil(SHARE * count), FEWEST), MOST, quarter)
        in_turn = sorted(one for stratum in self._strata.values() for one in stratum.in_turn())
        for chosen, (_, _, id_, size, by) in enumerate(in_turn):
            limit = wanted if tokens >= WANTED_TOKENS else quarter if tokens >= NEEDED_TOKENS else half
            if chosen >= limit or (chosen >= MOST and tokens >= NEEDED_TOKENS):
                break
            test.add(id_)
            ways.add(by)
            tokens += size
        self.by = ways.pop() if len(ways) == 1 else "mixed" if ways else ""
        return test
