"""What a host keeps of those who wait for its worker."""

import asyncio
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field

from backend.errors import RefactError
from backend.serve.request import Adapter, CompletionRequest, Delta

WAITING = 96
"""Requests at a time, about a third of them being answered; one more is told to come back."""


@dataclass
class Pending:
    """A request on its way; `begun` once a piece of it was passed on."""

    request: CompletionRequest
    adapter: Adapter | None
    pieces: "asyncio.Queue[Delta | RefactError]" = field(default_factory=asyncio.Queue)
    begun: bool = False
    deaths: int = 0


@dataclass
class Loading:
    """A checkpoint that somebody waits for."""

    adapter: Adapter
    done: "asyncio.Future[None]"


def full(key: str, waiting: Iterable[Pending]) -> bool:
    """Whether a key may ask no more now: one with less than its share is let in where others have filled all."""
    asked = Counter(pending.request.key for pending in waiting)
    share = WAITING // len({*asked, key})
    return asked.total() >= WAITING and (asked[key] >= share or asked.total() >= 2 * WAITING)
