"""A model that is hosted before it is there: its download is waited for, and told of."""

import asyncio
from collections.abc import Callable

from backend.context import Context
from backend.errors import RefactError
from backend.models import records
from backend.models.catalog import get

LOOK_S = 0.5
ON_THE_WAY = ("queued", "downloading", "checking")


async def on_the_way(ctx: Context, model: str) -> bool:
    """Whether a model is being added, and will be there later."""
    if model in ctx.models:
        return False
    row = await records.row_of(ctx, model)
    return row is not None and row.state in ON_THE_WAY


async def arrived(ctx: Context, model: str, tell: Callable[[str], None]) -> None:
    """Return when a model is there; `tell` hears how far it has come: `41 %`, or what is done with it.

    Raises NotFound for one that nobody adds, RefactError for one that could not be added."""
    while await on_the_way(ctx, model):
        job = next(iter(reversed(records.jobs_of(ctx, model))), None)
        tell(f"{min(100 * job.done // job.total, 100)} %" if job and job.total else job.message if job else "")
        await asyncio.sleep(LOOK_S)
    row = await records.row_of(ctx, model)
    if row is not None and model not in ctx.models:
        raise RefactError(f"{model} could not be added: {row.detail or row.state}.", "Add it again, then host it.")
    get(ctx, model)
