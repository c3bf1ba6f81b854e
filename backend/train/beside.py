"""A run beside what is served: what would have to pause for it, and how it waits for memory.

Nothing is evicted unasked. The starter is never paused: it takes little."""

import asyncio
import json
from typing import Any

from backend import devices, wire
from backend.context import Context
from backend.errors import BadRequest
from backend.jobs.queue import JobHandle
from backend.train import records

LOOK_S = 2.0
WAITING = "waiting for memory"


def in_the_way(ctx: Context, needed: int, available: int) -> list[str]:
    """The fewest hosted models without which a run fits, the largest first; none where nothing helps."""
    held: dict[str, int] = ctx.hosts.held(bool(devices.gpus())) if ctx.hosts else {}
    found = []
    for model, size in sorted(held.items(), key=lambda one: -one[1]):
        if available >= needed:
            break
        found.append(model)
        available += size
    return found if available >= needed else []


def check(request: wire.StartRun, plan: wire.Plan) -> None:
    """Raises BadRequest for a plan that does not fit and whose user did not say what else shall be done."""
    if plan.memory_bytes <= plan.memory_available_bytes or request.beside == "wait":
        return
    if request.beside == "pause" and plan.in_the_way:
        return
    told, way, *_ = plan.sentence.split("; ")
    flags = " ".join(f"--set {name}={value}".lower() for name, value in (plan.offer or {}).items())
    ways = [f"It fits with {flags}." if flags else f"{way[:1].upper()}{way[1:]}."]
    if plan.in_the_way:
        ways.append(f"Or with {', '.join(plan.in_the_way)} not served meanwhile: --beside pause.")
    ways.append("Or it waits until there is room: --beside wait.")
    raise BadRequest(f"The run {told}.", " ".join(ways))


def kept(request: wire.StartRun, plan: wire.Plan) -> dict[str, Any]:
    """What is kept of it with the run."""
    short = plan.memory_bytes > plan.memory_available_bytes
    return {
        "pauses": plan.in_the_way if short and request.beside == "pause" else [],
        "waits": plan.memory_bytes if request.beside == "wait" else 0,
    }


async def pause(ctx: Context, run: str) -> None:
    """Pause what the run's user agreed to pause."""
    if names := (await _told(ctx, run)).get("pauses"):
        await ctx.hosts.pause(run, names)


async def make_room(ctx: Context, run: str, handle: JobHandle) -> None:
    """Pause as agreed; wait for memory where that was chosen, or until a stop is asked for."""
    await pause(ctx, run)
    told = await _told(ctx, run)
    while devices.memory_available() < told.get("waits", 0) and not handle.stop_requested.is_set():
        await records.change(ctx, run, phase=WAITING)
        handle.progress(message=WAITING)
        await asyncio.sleep(LOOK_S)


async def leave_room(ctx: Context, run: str) -> None:
    """The run has ended: what paused for it is served again."""
    if (await _told(ctx, run)).get("pauses"):
        await ctx.hosts.go_on(run)


async def _told(ctx: Context, run: str) -> dict[str, Any]:
    found: dict[str, Any] = json.loads((await records.row_of(ctx, run))["plan"] or "{}")
    return found
