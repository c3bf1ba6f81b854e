"""What has changed, told to everyone who watches: numbered events in a ring that readers follow at their own pace."""

import asyncio
import time
from collections import deque
from collections.abc import AsyncGenerator
from typing import Any

from backend import wire

RING = 20_000


class Bus:
    """Publishing never waits; a reader that falls behind the ring is told to begin anew."""

    def __init__(self, ring: int = RING) -> None:
        # Numbers grow from one engine to the next, so that an old reader is noticed.
        self._last = int(time.time()) * 1_000_000
        self._first = self._last + 1
        self._ring: deque[wire.Event] = deque(maxlen=ring)
        self._news = asyncio.Event()
        self.closed = False

    @property
    def last_id(self) -> int:
        """The number of the newest event."""
        return self._last

    def publish(self, kind: str, data: Any) -> None:
        """Tell everyone; `data` is a wire struct or a plain dict, and is not changed afterwards."""
        self._last += 1
        self._ring.append(wire.Event(id=self._last, kind=kind, data=data))
        self._wake()

    def close(self) -> None:
        """End every stream, after what has been published."""
        self.closed = True
        self._wake()

    def _wake(self) -> None:
        self._news.set()
        self._news = asyncio.Event()

    def reaches(self, after: int) -> bool:
        """Whether everything after this number is still in the ring."""
        oldest = self._ring[0].id if self._ring else self._last + 1
        return max(oldest, self._first) - 1 <= after <= self._last

    async def follow(self, after: int | None = None) -> AsyncGenerator[wire.Event, None]:
        """Events after this number (None: from now on), until the bus is closed; `reset` where some are gone."""
        at = self._last if after is None else after
        while True:
            news = self._news
            if not self.reaches(at):
                yield wire.Event(id=self._last, kind="reset", data={})
                at = self._last
            while at < self._last and self.reaches(at):
                event = self._ring[at - self._last]
                at = event.id
                yield event
            if at == self._last and news is self._news:
                if self.closed:
                    return
                await news.wait()
