"""The one stream of events: all after `Last-Event-ID`, then what happens, with pings so that silence is noticed."""

import asyncio
from collections.abc import AsyncGenerator
from contextlib import aclosing, suppress

import msgspec
from starlette.requests import Request
from starlette.responses import Response, StreamingResponse

from backend import wire
from backend.bus import Bus
from backend.control.answers import context
from backend.errors import BadRequest

PING_S = 10.0


async def events(request: Request) -> Response:
    """GET /events"""
    text = request.headers.get("last-event-id")
    if text is not None and not text.isdigit():
        raise BadRequest(f"Last-Event-ID is {text!r}; it must be a number.")
    stream = _lines(context(request).bus, int(text) if text else None)
    return StreamingResponse(stream, media_type="text/event-stream", headers={"Cache-Control": "no-store"})


async def _lines(bus: Bus, after: int | None) -> AsyncGenerator[bytes, None]:
    yield b": hello\n\n"
    async with aclosing(bus.follow(after)) as stream:
        coming: asyncio.Task[wire.Event] | None = None
        try:
            while True:
                coming = coming or asyncio.ensure_future(anext(stream))
                done, _ = await asyncio.wait({coming}, timeout=PING_S)
                if not done:
                    yield b": ping\n\n"
                    continue
                try:
                    event, coming = coming.result(), None
                except StopAsyncIteration:
                    return
                yield b"id: %d\nevent: %b\ndata: %b\n\n" % (
                    event.id,
                    event.kind.encode(),
                    msgspec.json.encode(event.data),
                )
        finally:
            if coming:
                coming.cancel()
                with suppress(asyncio.CancelledError, StopAsyncIteration):
                    await coming
