"""Answers in one piece or as they come, for every dialect: a client that hangs up ends the work at once."""

from collections.abc import AsyncGenerator, Awaitable, Callable
from contextlib import aclosing
from typing import Any

from starlette.requests import Request
from starlette.responses import Response

from backend.errors import RefactError
from backend.serve.answers import GONE, JsonResponse, PieceStream, error_body, event, unless_gone

Pieces = AsyncGenerator[Any, None]
DONE = b"data: [DONE]\n\n"


def tokens_used(prompt_tokens: int, tokens: int) -> dict[str, int]:
    """Tokens as OpenAI's clients read them."""
    total = prompt_tokens + tokens
    return {"prompt_tokens": prompt_tokens, "completion_tokens": tokens, "total_tokens": total}


async def whole(request: Request, work: Awaitable[Any]) -> Response:
    """What `work` returns, as JSON."""
    answer = await unless_gone(request, work)
    return Response(status_code=GONE) if answer is None else JsonResponse(answer)


async def events(request: Request, pieces: Pieces, end: bytes = DONE) -> Response:
    """Pieces as server-sent events."""
    return await streamed(request, pieces, "text/event-stream", event, _failed_event, end)


async def streamed(
    request: Request,
    pieces: Pieces,
    media_type: str,
    encode: Callable[[Any], bytes],
    failed: Callable[[RefactError], bytes],
    end: bytes = b"",
) -> Response:
    """Pieces as they come.

    Waiting for the first one lets what goes wrong until then be answered with a proper status."""
    first = await unless_gone(request, anext(pieces))
    if first is None:
        await pieces.aclose()
        return Response(status_code=GONE)
    return PieceStream(_encoded(first, pieces, encode, failed, end), media_type)


async def _encoded(
    first: Any, pieces: Pieces, encode: Callable[[Any], bytes], failed: Callable[[RefactError], bytes], end: bytes
) -> AsyncGenerator[bytes, None]:
    async with aclosing(pieces):
        yield encode(first)
        try:
            async for piece in pieces:
                yield encode(piece)
        except RefactError as error:
            # The status has been sent: an error without the end that a client expects makes it a failed answer.
            yield failed(error)
            return
        if end:
            yield end


def _failed_event(error: RefactError) -> bytes:
    return event(error_body(error.status, f"{error.message} {error.hint}".strip(), error.code))
