"""How much a worker dares: fewer requests together and nothing kept after steps that went wrong, all of it in time."""

import time
from collections.abc import Callable

from backend.errors import Overloaded, RefactError
from backend.train.room import is_out_of_memory

AGAIN = 3
"""Steps in a row that went wrong: then it is not one request alone."""
CALM_S = 30.0
"""Without such a step, after which twice as many requests are decoded together."""


class Caution:
    """What a batch may take now: `rows` requests together, and `kept_bytes` for the caches of those that have ended."""

    def __init__(self, rows: int, kept_bytes: int, clock: Callable[[], float] = time.monotonic) -> None:
        self.rows, self.kept_bytes = rows, kept_bytes
        self._most = (rows, kept_bytes)
        self._clock, self._at = clock, clock()
        self._wrong = self._short = False
        self._in_a_row = 0

    def saw(self, error: Exception) -> None:
        """Something went wrong in this step."""
        self._wrong = True
        self._short = self._short or is_out_of_memory(error)

    def stepped(self, running: int) -> None:
        """A step of so many requests has ended."""
        wrong, short = self._wrong, self._short
        self._wrong = self._short = False
        self._in_a_row = self._in_a_row + 1 if wrong else 0
        if short or self._in_a_row >= AGAIN:
            self.rows, self.kept_bytes = max(1, min(self.rows, running) // 2), 0
            self._in_a_row, self._at = 0, self._clock()
        elif (self.rows, self.kept_bytes) != self._most and self._clock() > self._at + CALM_S:
            self.rows, self._at = min(2 * self.rows, self._most[0]), self._clock()
            self.kept_bytes = self._most[1] if self.rows == self._most[0] else 0


def in_words(error: Exception) -> RefactError:
    """What whoever asked is told."""
    if is_out_of_memory(error):
        return Overloaded("There is no memory left for this request.", "Try again in a moment, or with a shorter text.")
    if isinstance(error, RefactError):
        return error
    return RefactError(
        f"The model failed at this request ({type(error).__name__}).", "Its worker goes on; logs/worker.log says why."
    )
