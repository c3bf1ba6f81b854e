"""Routes of the trash: what is in it, bringing it back, emptying it."""

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from backend import trash, wire
from backend.control.answers import answer, body, context


async def everything(request: Request) -> Response:
    """GET /trash: the newest first"""
    return answer(await trash.everything(context(request)))


async def restore(request: Request) -> Response:
    """POST /trash/{name}/restore: the newest of that name, or what has it as its id"""
    wanted = await body(request, wire.Restore)
    return answer(await trash.restore(context(request), request.path_params["name"], wanted.kind))


async def empty(request: Request) -> Response:
    """POST /trash/empty: for good; answers with what is gone"""
    return answer(await trash.empty(context(request), (await body(request, wire.EmptyTrash)).name))


ROUTES = [
    Route("/trash", everything),
    Route("/trash/empty", empty, methods=["POST"]),
    Route("/trash/{name:path}/restore", restore, methods=["POST"]),
]
