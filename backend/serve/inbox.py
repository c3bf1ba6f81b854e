"""What has come for a worker between two steps: who hangs up is heard first, and a crowd that asks holds nobody up."""

import queue
import time
from collections import deque
from collections.abc import Callable, Iterator
from typing import Generic, TypeVar

from backend.serve.protocol import Cancel, Generate

M = TypeVar("M")
LISTEN_S = 0.01
"""What laying new requests out may take between two steps."""


class Inbox(Generic[M]):
    """Messages and when they came, on the monotonic clock; other threads put them in, None for the end."""

    def __init__(self, listen_s: float = LISTEN_S) -> None:
        self._queue: queue.SimpleQueue[tuple[float, M] | None] = queue.SimpleQueue()
        self._came: deque[tuple[float, M]] = deque()
        self.ended = False
        self._listen_s = listen_s

    def put(self, item: tuple[float, M] | None) -> None:
        """One more."""
        self._queue.put(item)

    def take(self, busy: Callable[[], bool]) -> Iterator[tuple[float, M]]:
        """What is to be done before the next step, in the order in which it came, but for those who hang up.

        Waits where nothing has come and there is no step to do; stops when `ended`."""
        until = time.monotonic() + self._listen_s
        while not self.ended:
            while not self._queue.empty() or not (self._came or busy()):
                item = self._queue.get()
                if item is None:
                    self.ended = True
                    return
                message = item[1]
                if isinstance(message, Cancel):
                    self._forget(message.id)
                    yield item
                else:
                    self._came.append(item)
            if not self._came:
                return
            yield self._came.popleft()
            if busy() and time.monotonic() > until:
                return

    def _forget(self, id_: int) -> None:
        """Who has hung up before being taken in is not taken in at all."""
        self._came = deque(
            (at, message) for at, message in self._came if not (isinstance(message, Generate) and message.id == id_)
        )
