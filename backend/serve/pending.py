"""What a host keeps of those who wait for its worker."""

import asyncio
from dataclasses import dataclass, field

from backend.errors import RefactError
from backend.serve.request import Adapter, CompletionRequest, Delta


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
