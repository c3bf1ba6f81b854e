"""Routes of the toolbox, of questions about code, and of models elsewhere."""

import msgspec
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from backend import wire
from backend.control.answers import answer, body, context
from backend.errors import RefactError
from backend.serve import ask, reply, upstreams


async def list_commands(request: Request) -> Response:
    """GET /toolbox: the questions that may be asked; a toolbox.toml that cannot be read is told of."""
    return answer(ask.commands(context(request)))


async def ask_one(request: Request) -> Response:
    """POST /ask"""
    return await reply.whole(request, ask.ask(context(request), await body(request, wire.Ask)))


async def ask_and_follow(request: Request) -> Response:
    """POST /ask/stream: events `piece` with a `text` each, then `said`, a Said; or `failed`, an ErrorBody."""
    pieces = ask.pieces(context(request), await body(request, wire.Ask))
    return await reply.streamed(request, pieces, "text/event-stream", _event, _failed)


def _event(piece: str | wire.Said) -> bytes:
    return _line("piece", {"text": piece}) if isinstance(piece, str) else _line("said", piece)


def _failed(error: RefactError) -> bytes:
    return _line("failed", wire.ErrorBody(code=error.code, message=error.message, hint=error.hint))


def _line(kind: str, data: object) -> bytes:
    return b"event: %b\ndata: %b\n\n" % (kind.encode(), msgspec.json.encode(data))


async def list_elsewhere(request: Request) -> Response:
    """GET /elsewhere: models that leave this box; an upstreams.toml that cannot be read is told of."""
    ctx = context(request)
    upstreams.read(ctx.paths.upstreams_toml)
    return answer(await ask.elsewhere(ctx))


ROUTES = [
    Route("/toolbox", list_commands),
    Route("/ask", ask_one, methods=["POST"]),
    Route("/ask/stream", ask_and_follow, methods=["POST"]),
    Route("/elsewhere", list_elsewhere),
]
