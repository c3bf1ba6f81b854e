"""How often one key may ask: a bucket that is filled at a steady pace and emptied by requests."""

import time
from collections.abc import Callable


class Bucket:
    """Holds what a minute allows at the most, so that a burst is answered and the pace still kept."""

    def __init__(self, per_minute: int, clock: Callable[[], float] = time.monotonic) -> None:
        self.per_minute = per_minute
        self._clock = clock
        self._left, self._at = float(per_minute), clock()

    def take(self) -> float:
        """0 where a request was taken out; else the seconds until there is one again, and nothing is taken."""
        now = self._clock()
        self._left = min(float(self.per_minute), self._left + (now - self._at) * self.per_minute / 60)
        self._at = now
        if self._left >= 1:
            self._left -= 1
            return 0.0
        return (1 - self._left) * 60 / self.per_minute
