"""Routes of keys, tokens and pinned host keys; nothing secret is ever answered."""

import msgspec
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from backend import wire
from backend.control.answers import answer, body, context
from backend.sources import credentials, removal


class HostBody(msgspec.Struct, frozen=True):
    """A pinned server to forget: `host`, or `[host]:port`."""

    host: str


async def list_all(request: Request) -> Response:
    """GET /credentials"""
    return answer((await credentials.told(context(request))).credentials)


async def list_hosts(request: Request) -> Response:
    """GET /credentials/hosts: git servers whose key is pinned."""
    return answer((await credentials.told(context(request))).pinned)


async def create(request: Request) -> Response:
    """POST /credentials: keep a token, or make a key."""
    wanted = await body(request, wire.NewCredential)
    ctx = context(request)
    if wanted.token is not None:
        return answer(await credentials.keep_token(ctx, wanted.name, wanted.token, wanted.replace))
    return answer(await credentials.create_key(ctx, wanted.name))


async def remove(request: Request) -> Response:
    """DELETE /credentials/{name}"""
    await credentials.remove(context(request), request.path_params["name"])
    return answer({})


async def forget_host(request: Request) -> Response:
    """POST /credentials/forget-host"""
    await removal.forget_host(context(request), (await body(request, HostBody)).host)
    return answer({})


ROUTES = [
    Route("/credentials", list_all),
    Route("/credentials", create, methods=["POST"]),
    Route("/credentials/hosts", list_hosts),
    Route("/credentials/forget-host", forget_host, methods=["POST"]),
    Route("/credentials/{name}", remove, methods=["DELETE"]),
]
