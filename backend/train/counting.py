"""How far a measurement is that takes many passes through the model, written to the journal now and then."""

import time

from backend.jobs.journal import JournalWriter

EVERY_S = 1.0


class Counting:
    """Between `begin` and the last pass each `one` counts."""

    def __init__(self, journal: JournalWriter) -> None:
        self._journal = journal
        self._done = self._total = 0
        self._told = 0.0

    def begin(self, total: int) -> None:
        """So many passes are to come; what was counted before is over."""
        self._done, self._total, self._told = 0, total, time.monotonic()

    def one(self) -> None:
        """Another pass begins."""
        if not self._total:
            return
        if time.monotonic() - self._told >= EVERY_S:
            self._told = time.monotonic()
            self._journal.write("count", done=self._done, total=self._total)
        self._done = min(self._done + 1, self._total)
