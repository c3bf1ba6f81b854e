"""How one model answers: requests a second and the time to the first token, over what was asked last."""

import time
from collections import deque

WINDOW_S = 60.0
SAMPLES = 256


class Measure:
    """Counts finished requests; times in milliseconds, clocks monotonic."""

    def __init__(self) -> None:
        self.requests = 0
        self._ended: deque[float] = deque(maxlen=4096)
        self._first: deque[float] = deque(maxlen=SAMPLES)

    def add(self, first_token_ms: float | None) -> None:
        """One request was answered to its end."""
        self.requests += 1
        self._ended.append(time.monotonic())
        if first_token_ms is not None:
            self._first.append(first_token_ms)

    def per_second(self) -> float:
        """Requests a second over the last minute."""
        oldest = time.monotonic() - WINDOW_S
        while self._ended and self._ended[0] < oldest:
            self._ended.popleft()
        return round(len(self._ended) / WINDOW_S, 3)

    def first_token_ms(self, share: float) -> float | None:
        """The time within which `share` of the last requests had their first token; None before the first."""
        if not self._first:
            return None
        ordered = sorted(self._first)
        return round(ordered[min(len(ordered) - 1, int(share * len(ordered)))], 1)
