"""Routes of who asks for completions: API keys, where the endpoint is, what was asked of it."""

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from backend import settings, wire
from backend.control.answers import answer, body, context, number
from backend.serve import endpoint
from backend.serve.keys import DEMANDED
from backend.serve.recent import KEPT


async def list_keys(request: Request) -> Response:
    """GET /keys"""
    return answer(context(request).hosts.keys.shown())


async def create_key(request: Request) -> Response:
    """POST /keys: the one answer that holds the key"""
    return answer(await context(request).hosts.keys.create(await body(request, wire.NewApiKey)))


async def revoke_key(request: Request) -> Response:
    """DELETE /keys/{name}"""
    await context(request).hosts.keys.revoke(request.path_params["name"])
    return answer({})


async def list_settings(request: Request) -> Response:
    """GET /settings"""
    return answer(await endpoint.shown(context(request).db))


async def set_setting(request: Request) -> Response:
    """POST /settings/{name}"""
    ctx, name = context(request), request.path_params["name"]
    await endpoint.put(ctx.db, name, (await body(request, wire.SetSetting)).value)
    ctx.hosts.keys.demanded = await settings.get(ctx.db, DEMANDED) == "yes"
    shown = await endpoint.shown(ctx.db)
    ctx.bus.publish("settings", {"settings": shown})
    return answer(next(one for one in shown if one.name == name))


async def stats(request: Request) -> Response:
    """GET /stats?days=N: today only where nothing is said"""
    days = number(request, "days")
    return answer(await context(request).hosts.statistics.report(1 if days is None else days))


async def requests(request: Request) -> Response:
    """GET /requests?limit=N: the newest first"""
    limit = number(request, "limit")
    return answer(context(request).hosts.statistics.recent.list(KEPT if limit is None else max(limit, 0)))


ROUTES = [
    Route("/keys", list_keys),
    Route("/keys", create_key, methods=["POST"]),
    Route("/keys/{name}", revoke_key, methods=["DELETE"]),
    Route("/stats", stats),
    Route("/requests", requests),
    Route("/settings", list_settings),
    Route("/settings/{name}", set_setting, methods=["POST"]),
]
