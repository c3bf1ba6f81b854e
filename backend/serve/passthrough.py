"""Passes a request on to the server elsewhere that has the model, and its answer back, under our names for things."""

from collections.abc import AsyncGenerator, Iterator
from contextlib import aclosing, contextmanager
from typing import Any

from msgspec.structs import replace
from starlette.requests import Request
from starlette.responses import Response

from backend.context import Context
from backend.errors import Elsewhere, Overloaded
from backend.serve import reply
from backend.serve.answers import decode_body
from backend.serve.keys import asking
from backend.serve.request import CompletionRequest, Delta
from backend.serve.statistics import Watch
from backend.serve.upstreams import Found

AT_ONCE = 32
"""Requests under way to other servers, all together."""
MOST_TOKENS = 10_000_000
"""Of one answer; whoever tells of more does not count."""


async def answer(request: Request, found: Found, route: str, body: bytes) -> Response:
    """What the other server answers on `route`. Raises what `upstream` raises, and Overloaded."""
    ctx: Context = request.app.state.ctx
    asked = decode_body(body, dict[str, Any])
    asked["model"] = found.model
    if route == "completions" and asked.get("max_tokens") is None and "max_completion_tokens" in asked:
        # Plug-ins of Refact's say it so on a route where other servers do not know the word.
        asked["max_tokens"] = asked.pop("max_completion_tokens")
    if asked.get("stream"):
        return await reply.events(request, pieces(ctx, found, route, asked))
    return await reply.whole(request, whole(ctx, found, route, asked))


async def whole(ctx: Context, found: Found, route: str, asked: dict[str, Any]) -> dict[str, Any]:
    """The other server's answer in one piece. Raises what `upstream.ask` raises, and Overloaded."""
    # Imported when the first request goes elsewhere: the client takes longer than the rest of the engine's start.
    from backend.serve import upstream

    with place(ctx, found, False) as watch:
        answer = await upstream.ask(ctx, found, route, asked)
        watch.piece(end(answer, 0))
        return _ours(ctx, found, answer)


async def pieces(ctx: Context, found: Found, route: str, asked: dict[str, Any]) -> AsyncGenerator[dict[str, Any], None]:
    """The other server's answer as it comes. Raises what `upstream.stream` raises, and Overloaded."""
    from backend.serve import upstream

    said, last = 0, Delta(text="", tokens=0)
    with place(ctx, found, True) as watch:
        async with aclosing(upstream.stream(ctx, found, route, asked)) as packets:
            async for piece in packets:
                if route != "completions" or _says_something(piece):
                    said += 1
                    last = end(piece, said)
                    watch.piece(replace(last, finish_reason=None))
                    yield _ours(ctx, found, piece)
        if not said:
            raise Elsewhere(f"{found.upstream} answers nothing.", "Ask again.")
        watch.piece(last)


@contextmanager
def place(ctx: Context, found: Found, stream: bool) -> Iterator[Watch]:
    """One request's place among those under way, and its count. Raises Overloaded where there is none."""
    lists, request = ctx.hosts.elsewhere, CompletionRequest(prompt="", stream=stream, key=asking.get())
    with ctx.hosts.statistics.watch(request, found.name, None) as watch:
        if lists.under_way >= AT_ONCE:
            raise Overloaded(f"{lists.under_way} requests to other servers are under way.", "Try again in a second.")
        lists.under_way += 1
        try:
            yield watch
        finally:
            lists.under_way -= 1


def end(answer: dict[str, Any], pieces: int) -> Delta:
    """The end of an answer with its tokens as the other server tells them, as far as that can be true."""
    usage = answer.get("usage")
    told = [usage.get(name) if isinstance(usage, dict) else None for name in ("prompt_tokens", "completion_tokens")]
    prompt, tokens = (one if type(one) is int and 0 <= one <= MOST_TOKENS else 0 for one in told)
    return Delta(text="", tokens=tokens or pieces, prompt_tokens=prompt, finish_reason="stop")


def _ours(ctx: Context, found: Found, answer: dict[str, Any]) -> dict[str, Any]:
    return {**answer, "model": found.name, "caps_version": ctx.hosts.caps_version}


def _says_something(piece: dict[str, Any]) -> bool:
    """Whether Refact's plug-ins may be sent this: an empty piece that does not say why it ends brings them down."""
    choices = piece.get("choices")
    if not isinstance(choices, list) or not choices:
        return True
    return any(isinstance(one, dict) and (one.get("text") or one.get("finish_reason")) for one in choices)
