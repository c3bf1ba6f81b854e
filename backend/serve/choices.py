"""Several choices of one request, generated side by side so that the worker batches them."""

import asyncio
from collections.abc import AsyncGenerator, Sequence
from contextlib import aclosing

from backend.context import Context
from backend.serve import answering
from backend.serve.request import CompletionRequest, Delta

Item = tuple[int, Delta] | BaseException | None
BEHIND = 64
"""Pieces that may wait for a client that reads slowly."""


async def generate(ctx: Context, requests: Sequence[CompletionRequest]) -> AsyncGenerator[tuple[int, Delta], None]:
    """Pieces of all answers as they come, each with the place of its request; leaving early cancels them all.

    Raises what `answering.generate` raises, as soon as one of them does."""
    if len(requests) == 1:
        async with aclosing(answering.generate(ctx, requests[0])) as pieces:
            async for delta in pieces:
                yield 0, delta
        return
    items: asyncio.Queue[Item] = asyncio.Queue(BEHIND)
    tasks = [asyncio.create_task(_one(ctx, place, request, items)) for place, request in enumerate(requests)]
    left = len(tasks)
    try:
        while left:
            item = await items.get()
            if item is None:
                left -= 1
            elif isinstance(item, BaseException):
                raise item
            else:
                yield item
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)


async def _one(ctx: Context, place: int, request: CompletionRequest, items: "asyncio.Queue[Item]") -> None:
    try:
        async with aclosing(answering.generate(ctx, request)) as pieces:
            async for delta in pieces:
                await items.put((place, delta))
    except Exception as error:
        await items.put(error)
    else:
        await items.put(None)
