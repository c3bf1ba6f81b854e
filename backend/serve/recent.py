"""The last few hundred requests, for whoever looks on: who asked, what answered, how long it took; not what it said."""

import asyncio
from collections import OrderedDict
from contextvars import ContextVar
from typing import Any

import msgspec

from backend import wire
from backend.bus import Bus
from backend.store.database import now

KEPT = 300
TELL_S = 0.5
"""However many requests come, those who look on are told twice a second; they ask for what they want to see."""
latest: ContextVar[int] = ContextVar("latest", default=0)
"""Number of the request that was answered last in this task."""


class Recent:
    """Numbered from 1, the newest last."""

    def __init__(self, bus: Bus) -> None:
        self._bus = bus
        self._kept: OrderedDict[int, wire.Asked] = OrderedDict()
        self._last = self._changes = 0
        self.fresh = False
        """No tuned checkpoint has ever answered; whoever knows what was counted before says so."""
        self._due: asyncio.TimerHandle | None = None

    def add(self, **fields: Any) -> None:
        """One request has ended; `fields` are those of wire.Asked."""
        self._last += 1
        self._kept[self._last] = wire.Asked(number=self._last, at=now(), **fields)
        if len(self._kept) > KEPT:
            self._kept.popitem(last=False)
        latest.set(self._last)
        self.fresh = self.fresh and not (fields["checkpoint"] and fields["tokens"])
        self._tell()

    def find(self, number: int) -> wire.Asked | None:
        """One of them, while it is kept."""
        return self._kept.get(number)

    def became(self, number: int, fate: wire.Fate) -> None:
        """What the editor's user did with an answer."""
        if found := self._kept.get(number):
            self._kept[number] = msgspec.structs.replace(found, fate=fate)
            self._tell()

    def list(self, most: int = KEPT) -> list[wire.Asked]:
        """The newest first."""
        return list(reversed(self._kept.values()))[:most]

    def close(self) -> None:
        """Tell no more."""
        if self._due:
            self._due.cancel()

    def _tell(self) -> None:
        self._changes += 1
        if self._due is None:
            self._due = asyncio.get_running_loop().call_later(TELL_S, self._say)

    def _say(self) -> None:
        self._due = None
        self._bus.publish("requests", {"changes": self._changes, "fresh": self.fresh})
