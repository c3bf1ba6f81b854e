"""Which devices this box has, what of them is free, which models lie on them, and what one more would take."""

import asyncio

import psutil

from backend import wire
from backend.context import Context
from backend.devices import gpus, main_memory_available
from backend.models.catalog import get
from backend.serve.llama import read_shape
from backend.serve.placement import CPU, cache_bytes, weights_bytes


async def devices(ctx: Context) -> list[wire.Device]:
    """The CPU and every GPU."""
    lying: dict[str, list[str]] = {}
    closed: set[str] = set()
    for model, (placed, share) in ctx.hosts.placed().items():
        for name in placed.counts:
            lying.setdefault(name, []).append(model)
            if not share and name != CPU:
                closed.add(name)
    memory, free = psutil.virtual_memory().total, main_memory_available()
    found = [(CPU, "main memory", memory, free)]
    found += [(str(gpu.index), gpu.name, gpu.memory_bytes, gpu.free_bytes) for gpu in await asyncio.to_thread(gpus)]
    return [
        wire.Device(
            name=name,
            title=title,
            memory_bytes=memory,
            free_bytes=free,
            models=lying.get(name, []),
            shared=name not in closed,
        )
        for name, title, memory, free in found
    ]


async def plan(ctx: Context, model: str, wish: wire.Placement) -> wire.PlacementPlan:
    """What a wish comes to. Raises what Hosts.plan raises."""
    placed = await ctx.hosts.plan(model, wish)
    info = get(ctx, model)
    weights = weights_bytes(info, placed.dtype, placed.quantisation)
    request = cache_bytes(read_shape(info.path), placed.dtype, placed.context)
    part = (weights + request) // len(placed.devices)
    return wire.PlacementPlan(
        model=model,
        device=placed.named,
        dtype=placed.dtype,
        quantisation=wish.quantisation,
        context=placed.context,
        weights_bytes=weights,
        request_bytes=request,
        shares={name: part * count for name, count in placed.counts.items()},
        devices=await devices(ctx),
    )
