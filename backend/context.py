"""What every room of the engine is handed: where state lies, how to tell of changes, who may compute."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from typing import Any

from backend import wire
from backend.bus import Bus
from backend.jobs.queue import JobQueue
from backend.paths import Paths
from backend.store.database import Database


@dataclass
class Context:
    """One engine's parts; made by `engine`, closed there in reverse."""

    paths: Paths
    db: Database
    bus: Bus
    jobs: JobQueue
    hosts: Any
    """The hosted models (`serve.hosting.Hosts`), a room further down than this one may name."""
    public_url: str
    started: float
    """Seconds since the epoch."""
    on_run_finished: list[Callable[[wire.Run], Awaitable[None]]] = field(default_factory=list)
