"""Finds checkpoints: all of them, one by its name, and the best of the newest finished run."""

import re

from backend import wire
from backend.context import Context
from backend.errors import BadRequest, NotFound
from backend.train import made
from backend.train.follow import announce_checkpoints

NAME = re.compile(r"([0-9a-zA-Z_.-]{1,30}):(\d{1,9})")
LATEST_BEST = (
    "SELECT name, best_step FROM runs WHERE project_id = ? AND model = ? AND state = 'done' AND NOT held_back "
    "AND best_step IS NOT NULL AND base_loss IS NOT NULL AND best_loss < base_loss ORDER BY ended DESC, id DESC LIMIT 1"
)


async def list_checkpoints(ctx: Context) -> list[wire.Checkpoint]:
    """The checkpoints of the project and those that are served, the newest run first."""
    return await made.list_checkpoints(ctx)


async def resolve(ctx: Context, name: str) -> wire.Checkpoint:
    """The checkpoint called RUN:STEP. Raises BadRequest for another form, NotFound where there is none."""
    if not NAME.fullmatch(name):
        raise BadRequest(
            f"{name!r} is no checkpoint's name; they look like RUN:STEP.", "See `refact-tui checkpoints list`."
        )
    for checkpoint in await made.list_checkpoints(ctx, everywhere=True):
        if checkpoint.id == name:
            return checkpoint
    raise NotFound(f"There is no checkpoint {name}.", "See `refact-tui checkpoints list`.")


async def pin(ctx: Context, name: str, pinned: bool) -> wire.Checkpoint:
    """Keep a checkpoint whatever its loss, or let it be pruned again. Raises BadRequest, NotFound."""
    found = await resolve(ctx, name)
    change = "UPDATE checkpoints SET pinned = ? WHERE step = ? AND run_id = (SELECT id FROM runs WHERE name = ?)"
    await ctx.db.execute(change, (pinned, found.step, found.run))
    await announce_checkpoints(ctx)
    return await resolve(ctx, name)


async def latest_best(ctx: Context, model: str) -> wire.Checkpoint | None:
    """The best of the project's newest finished run of `model` whose best is below its base loss; None before that."""
    row = await ctx.db.fetch_one(LATEST_BEST, (ctx.project, model))
    if row is None:
        return None
    return await resolve(ctx, f"{row['name']}:{row['best_step']}")
