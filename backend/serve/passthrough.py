"""Passes a request on to the server elsewhere that has the model, and its answer back, under our names for things."""

from collections.abc import AsyncGenerator, Iterator
from contextlib import aclosing, contextmanager
from typing import Any

from starlette.requests import Request
from starlette.responses import Response

from backend.context import Context
from backend.errors import Elsewhere, Overloaded
from backend.serve import reply
from backend.serve.answers import decode_body
from backend.serve.upstreams import Found

AT_ONCE = 32
"""Requests under way to other servers, all together."""


async def answer(request: Request, found: Found, route: str, body: bytes) -> Response:
    """What the other server answers on `route`. Raises what `upstream` raises, and Overloaded."""
    ctx: Context = request.app.state.ctx
    asked = decode_body(body, dict[str, Any])
    asked["model"] = found.model
    if route == "completions" and asked.get("max_tokens") is None and "max_completion_tokens" in asked:
        # Plug-ins of Refact's say it so on a route where other servers do not know the word.
        asked["max_tokens"] = asked.pop("max_completion_tokens")
    if asked.get("stream"):
        return await reply.events(request, _pieces(ctx, found, route, asked))
    return await reply.whole(request, whole(ctx, found, route, asked))


async def whole(ctx: Context, found: Found, route: str, asked: dict[str, Any]) -> dict[str, Any]:
    """The other server's answer in one piece. Raises what `upstream.ask` raises, and Overloaded."""
    # Imported when the first request goes elsewhere: the client takes longer than the rest of the engine's start.
    from backend.serve import upstream

    with _place(ctx):
        return _ours(ctx, found, await upstream.ask(ctx, found, route, asked))


async def _pieces(
    ctx: Context, found: Found, route: str, asked: dict[str, Any]
) -> AsyncGenerator[dict[str, Any], None]:
    from backend.serve import upstream

    silent = True
    with _place(ctx):
        async with aclosing(upstream.stream(ctx, found, route, asked)) as pieces:
            async for piece in pieces:
                if route != "completions" or _says_something(piece):
                    silent = False
                    yield _ours(ctx, found, piece)
    if silent:
        raise Elsewhere(f"{found.upstream} answers nothing.", "Ask again.")


@contextmanager
def _place(ctx: Context) -> Iterator[None]:
    """One request's place among those under way. Raises Overloaded where there is none."""
    lists = ctx.hosts.elsewhere
    if lists.under_way >= AT_ONCE:
        raise Overloaded(f"{lists.under_way} requests to other servers are under way.", "Try again in a second.")
    lists.under_way += 1
    try:
        yield
    finally:
        lists.under_way -= 1


def _ours(ctx: Context, found: Found, answer: dict[str, Any]) -> dict[str, Any]:
    return {**answer, "model": found.name, "caps_version": ctx.hosts.caps_version}


def _says_something(piece: dict[str, Any]) -> bool:
    """Whether Refact's plug-ins may be sent this: an empty piece that does not say why it ends brings them down."""
    choices = piece.get("choices")
    if not isinstance(choices, list) or not choices:
        return True
    return any(isinstance(one, dict) and (one.get("text") or one.get("finish_reason")) for one in choices)
