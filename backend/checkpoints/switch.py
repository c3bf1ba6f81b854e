"""Which checkpoint each hosted model answers with: off (the base model), the latest best, or a specific one."""

import asyncio
import logging
from weakref import WeakKeyDictionary

from backend import wire
from backend.bus import Bus
from backend.checkpoints import catalog, promote
from backend.context import DEFAULT, Context
from backend.errors import BadRequest, Conflict, RefactError
from backend.store.database import now

log = logging.getLogger("refact.switch")
_locks: WeakKeyDictionary[Bus, asyncio.Lock] = WeakKeyDictionary()


async def use(ctx: Context, request: wire.Use) -> wire.Used:
    """Switch a model; returns when it has taken place, with the milliseconds that took.

    Requests under way end on what they began with. Raises BadRequest, NotFound for an unknown model or checkpoint,
    Conflict when there is no best checkpoint yet, NotReady when the model does not load in time."""
    async with _lock(ctx):
        model, checkpoint = await _choose(ctx, request)
        switched_ms = await ctx.hosts.switch(model, request.mode, checkpoint)
        await _remember(ctx, model, request.mode, checkpoint)
    await _announce(ctx, model)
    return wire.Used(
        model=model, mode=request.mode, checkpoint=checkpoint.id if checkpoint else None, switched_ms=switched_ms
    )


def serving(ctx: Context) -> list[wire.Serving]:
    """What every hosted model answers with."""
    return list(ctx.hosts.snapshot())


async def advance(ctx: Context, run: wire.Run) -> None:
    """A run has finished: a model that follows the latest best moves on, and IDEs learn the new names."""
    if run.held_back and not await promote.decide(ctx, run):
        return
    async with _lock(ctx):
        if run.model not in ctx.hosts.models():
            return
        shown = next(one for one in serving(ctx) if one.model == run.model)
        followed = ctx.inside(await _followed(ctx, run.model))
        best = await catalog.latest_best(followed, run.model) if shown.mode == "latest-best" else None
        if best and best.id != shown.checkpoint:
            try:
                await ctx.hosts.switch(run.model, "latest-best", best)
            except RefactError:
                # The worker is not there yet: it will begin with this checkpoint when it is.
                ctx.hosts.point(run.model, "latest-best", best)
                ctx.hosts.grow()
            await _remember(followed, run.model, "latest-best", best)
        else:
            version = ctx.hosts.grow()
            await ctx.db.execute("UPDATE serving SET caps_version = ? WHERE model = ?", (version, run.model))
    await _announce(ctx, run.model)


async def restore(ctx: Context) -> None:
    """At engine start: every model answers with what it did before."""
    for model in ctx.hosts.models():
        await take_up(ctx, model)


async def take_up(ctx: Context, model: str) -> None:
    """Have a model that is hosted now answer with what it did before; a new one follows the latest best."""
    row = await ctx.db.fetch_one("SELECT * FROM serving WHERE model = ?", (model,))
    followed = ctx.inside(row["project_id"] if row else DEFAULT)
    mode: wire.ServeMode = row["mode"] if row else "latest-best"
    ctx.hosts.caps_version = max(ctx.hosts.caps_version, (row["caps_version"] or 0) if row else 0)
    checkpoint = None
    try:
        if mode == "latest-best":
            checkpoint = await catalog.latest_best(followed, model)
        elif mode == "specific" and row:
            checkpoint = await catalog.resolve(ctx, f"{row['run']}:{row['step']}")
    except RefactError as error:
        log.warning("%s answers from its base model: %s", model, error.message)
        mode = "off"
    ctx.hosts.point(model, mode, checkpoint)
    ctx.hosts.grow()
    await _remember(followed, model, mode, checkpoint)


async def _followed(ctx: Context, model: str) -> int:
    """The project in which `latest-best` was chosen: another project's run does not change what its team gets."""
    row = await ctx.db.fetch_one("SELECT project_id FROM serving WHERE model = ?", (model,))
    return int(row["project_id"]) if row else DEFAULT


async def _choose(ctx: Context, request: wire.Use) -> tuple[str, wire.Checkpoint | None]:
    """The model and the checkpoint that a request means."""
    named = request.model or ""
    if request.mode == "specific":
        if not request.checkpoint:
            raise BadRequest("Which checkpoint?", "Name one as RUN:STEP; `refact-tui checkpoints list` shows them.")
        checkpoint = await catalog.resolve(ctx, request.checkpoint)
        if named and named != checkpoint.model:
            raise BadRequest(f"{checkpoint.id} was tuned from {checkpoint.model}, not from {named}.")
        return ctx.hosts.host(checkpoint.model).model, checkpoint
    model = ctx.hosts.host(named).model
    if request.mode == "off":
        return model, None
    best = await catalog.latest_best(ctx, model)
    if best is None:
        raise Conflict(
            "No finished run beats its base yet; there is no best checkpoint to serve.",
            "Train first (`refact-tui train start --wait`), or name one as RUN:STEP.",
            code="no_best",
        )
    return model, best


async def _remember(ctx: Context, model: str, mode: wire.ServeMode, checkpoint: wire.Checkpoint | None) -> None:
    run, step = (checkpoint.run, checkpoint.step) if checkpoint else (None, None)
    await ctx.db.execute(
        "INSERT INTO serving(model, mode, run, step, changed, caps_version, project_id) VALUES (?, ?, ?, ?, ?, ?, ?) "
        "ON CONFLICT(model) DO UPDATE SET mode = excluded.mode, run = excluded.run, step = excluded.step, "
        "changed = excluded.changed, caps_version = excluded.caps_version, project_id = excluded.project_id",
        (model, mode, run, step, now(), ctx.hosts.caps_version, ctx.project),
    )


async def _announce(ctx: Context, model: str) -> None:
    """Tell everyone who watches."""
    ctx.bus.publish("serving", next(one for one in serving(ctx) if one.model == model))
    shown = await catalog.list_checkpoints(ctx.inside(ctx.projects.shown))
    ctx.bus.publish("checkpoints", {"checkpoints": shown})


def _lock(ctx: Context) -> asyncio.Lock:
    """One switch at a time in each engine."""
    return _locks.setdefault(ctx.bus, asyncio.Lock())
