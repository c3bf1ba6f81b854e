"""Routes of the toolbox, of questions about code, and of models elsewhere."""

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from backend import wire
from backend.control.answers import answer, body, context
from backend.serve import ask, upstreams


async def list_commands(request: Request) -> Response:
    """GET /toolbox: the questions that may be asked; a toolbox.toml that cannot be read is told of."""
    return answer(ask.commands(context(request)))


async def ask_one(request: Request) -> Response:
    """POST /ask"""
    return answer(await ask.ask(context(request), await body(request, wire.Ask)))


async def list_elsewhere(request: Request) -> Response:
    """GET /elsewhere: models that leave this box; an upstreams.toml that cannot be read is told of."""
    ctx = context(request)
    upstreams.read(ctx.paths.upstreams_toml)
    return answer(await ask.elsewhere(ctx))


ROUTES = [
    Route("/toolbox", list_commands),
    Route("/ask", ask_one, methods=["POST"]),
    Route("/elsewhere", list_elsewhere),
]
