"""How long things took, as counts in steps that grow by a fifth: small to keep, and percentiles come of it."""

import math
from collections import Counter

import msgspec

STEPS = 4
"""To a doubling."""
DOUBLINGS = 17
"""The last step ends at 2¹⁷ ms, two minutes; what took longer is in one step beyond."""


class Histogram:
    """Milliseconds; a percentile is off by a fifth at the most."""

    def __init__(self, counts: dict[int, int] | None = None, sum_ms: float = 0.0) -> None:
        self.counts: Counter[int] = Counter(counts or {})
        self.sum_ms = sum_ms

    @classmethod
    def decode(cls, text: str) -> "Histogram":
        """From the text that `encode` gave."""
        sum_ms, counts = msgspec.json.decode(text, type=tuple[float, dict[int, int]])
        return cls(counts, sum_ms)

    def encode(self) -> str:
        """As JSON."""
        return msgspec.json.encode((round(self.sum_ms, 3), dict(sorted(self.counts.items())))).decode()

    @property
    def count(self) -> int:
        """How many were added."""
        return self.counts.total()

    def add(self, ms: float) -> None:
        """One more."""
        self.counts[step_of(ms)] += 1
        self.sum_ms += ms

    def merge(self, other: "Histogram") -> None:
        """All that the other holds, too."""
        self.counts.update(other.counts)
        self.sum_ms += other.sum_ms

    def percentile(self, share: float) -> float | None:
        """The time within which this share of them lay, in milliseconds; None of nothing."""
        wanted, seen = share * self.count, 0
        for step in sorted(self.counts):
            here = self.counts[step]
            if seen + here >= wanted:
                low, high = (0.0 if step == 0 else end_of(step - 1)), end_of(step)
                return round(low + (high - low) * (wanted - seen) / here, 2)
            seen += here
        return None

    def doublings(self) -> list[tuple[float, int]]:
        """How many lay within 1, 2, 4, 8 … milliseconds: (milliseconds, count)."""
        return [
            (end_of(last), sum(count for step, count in self.counts.items() if step <= last))
            for last in range(0, DOUBLINGS * STEPS + 1, STEPS)
        ]


def step_of(ms: float) -> int:
    """The step in which a time lies."""
    if ms <= 1:
        return 0
    return min(math.ceil(STEPS * math.log2(ms) - 1e-9), DOUBLINGS * STEPS + 1)


def end_of(step: int) -> float:
    """Where a step ends, in milliseconds."""
    return float(2 ** (step / STEPS))
