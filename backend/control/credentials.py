"""Routes of keys, tokens and pinned host keys; nothing secret is ever answered."""

import asyncio

import msgspec
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from backend import wire
from backend.control.answers import answer, body, context
from backend.errors import NotFound
from backend.sources import credentials, hosts


class HostBody(msgspec.Struct, frozen=True):
    host: str


async def list_all(request: Request) -> Response:
    """GET /credentials"""
    return answer(await credentials.list_all(context(request)))


async def create(request: Request) -> Response:
    """POST /credentials: keep a token, or make a key."""
    wanted = await body(request, wire.NewCredential)
    ctx = context(request)
    if wanted.token is not None:
        return answer(await credentials.keep_token(ctx, wanted.name, wanted.token))
    return answer(await credentials.create_key(ctx, wanted.name))


async def remove(request: Request) -> Response:
    """DELETE /credentials/{name}"""
    await credentials.remove(context(request), request.path_params["name"])
    return answer({})


async def forget_host(request: Request) -> Response:
    """POST /credentials/forget-host"""
    host = (await body(request, HostBody)).host
    if not await asyncio.to_thread(hosts.forget, context(request).paths, host):
        raise NotFound(f"No key is pinned for {host!r}.", "A port belongs to the name: [host]:2222.")
    return answer({})


ROUTES = [
    Route("/credentials", list_all),
    Route("/credentials", create, methods=["POST"]),
    Route("/credentials/forget-host", forget_host, methods=["POST"]),
    Route("/credentials/{name}", remove, methods=["DELETE"]),
]
