"""Routes of the data sets beside each other."""

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from backend import projects, wire
from backend.control.answers import answer, body, context


async def list_projects(request: Request) -> Response:
    """GET /projects"""
    return answer(await projects.list_projects(context(request)))


async def add(request: Request) -> Response:
    """POST /projects: make one and show it."""
    return answer(await projects.add(context(request), (await body(request, wire.NewProject)).name))


async def get(request: Request) -> Response:
    """GET /projects/{name}"""
    return answer(await projects.get(context(request), request.path_params["name"]))


async def use(request: Request) -> Response:
    """POST /projects/{name}/use: show it, on every screen."""
    return answer(await projects.use(context(request), request.path_params["name"]))


async def remove(request: Request) -> Response:
    """DELETE /projects/{name}: its runs stay."""
    await projects.remove(context(request), request.path_params["name"])
    return answer({})


ROUTES = [
    Route("/projects", list_projects),
    Route("/projects", add, methods=["POST"]),
    Route("/projects/{name}", get),
    Route("/projects/{name}", remove, methods=["DELETE"]),
    Route("/projects/{name}/use", use, methods=["POST"]),
]
