"""The trash as the engine offers it: what is in it, each thing brought back by the room that threw it away, emptied."""

import asyncio
import logging
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime, timedelta

from backend import projects, wire
from backend.checkpoints import trash as runs
from backend.context import Context
from backend.models import removal as models
from backend.sources import removal as sources
from backend.store import trash
from backend.store.trash import Thrown

EVERY_S = 3600.0
log = logging.getLogger("refact.trash")
BACK: dict[wire.TrashKind, Callable[[Context, Thrown], Awaitable[None]]] = {
    "source": sources.restore,
    "server": sources.pin_again,
    "model": models.restore,
    "run": runs.restore,
    "checkpoint": runs.restore,
    "project": projects.bring_back,
}


async def everything(ctx: Context) -> list[wire.Trashed]:
    """All that can be brought back, of every project, the newest first."""
    return [_shown(one) for one in await asyncio.to_thread(trash.everything, ctx.paths)]


async def restore(ctx: Context, name: str, kind: wire.TrashKind | None = None) -> wire.Trashed:
    """Bring back what was thrown away last by this name, or has it as its id.

    Raises NotFound where the trash has none, Conflict where it cannot be; then it stays there."""
    thrown = await asyncio.to_thread(trash.find, ctx.paths, name, kind)
    await BACK[thrown.kind](ctx, thrown)
    await asyncio.to_thread(trash.drop, thrown)
    ctx.bus.publish("trash", {})
    return _shown(thrown)


async def empty(ctx: Context, name: str | None = None) -> list[wire.Trashed]:
    """Delete one thing for good, or all of them; what that was. Raises NotFound."""
    gone = await asyncio.to_thread(
        lambda: [trash.find(ctx.paths, name)] if name is not None else trash.everything(ctx.paths)
    )
    for one in gone:
        await asyncio.to_thread(trash.drop, one)
    ctx.bus.publish("trash", {})
    return [_shown(one) for one in gone]


async def watch(ctx: Context) -> None:
    """Let go of what has lain there for its time, at once and every hour, until cancelled."""
    while True:
        try:
            if await asyncio.to_thread(trash.expire, ctx.paths):
                ctx.bus.publish("trash", {})
        except OSError as error:  # the next hour may find a disk that can be read
            log.warning("what lies in the trash for long could not be removed: %s", error)
        await asyncio.sleep(EVERY_S)


def _shown(one: Thrown) -> wire.Trashed:
    at = datetime.fromtimestamp(one.at, UTC)
    return wire.Trashed(
        id=one.folder.name,
        kind=one.kind,
        name=one.name,
        project=one.project,
        thrown=at.isoformat(timespec="seconds"),
        gone=(at + timedelta(seconds=trash.KEPT_S)).isoformat(timespec="seconds"),
        size=one.size,
    )
