"""Routes of base models: which there are, adding and removing them, and which are hosted."""

from pathlib import Path

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from backend import wire
from backend.checkpoints import switch
from backend.context import Context
from backend.control.answers import answer, body, context
from backend.errors import BadRequest
from backend.models import add, families, records, removal
from backend.serve import occupied
from backend.sources import credentials


def token_of(ctx: Context, name: str) -> Path:
    """The file of a token. Raises NotFound, or BadRequest for a key."""
    path = credentials.find(ctx.paths, name)
    if path.suffix != credentials.TOKEN:
        raise BadRequest(f"{name} is an SSH key; a hub wants a token.", "Keep one: `credentials set NAME --token`.")
    return path


async def list_models(request: Request) -> Response:
    """GET /models: every base model with what was found in it; a models.toml that cannot be read is told of."""
    ctx = context(request)
    families.read(ctx.paths.models_toml)
    return answer(await records.list_wire(ctx))


async def add_model(request: Request) -> Response:
    """POST /models: begins to download and check it."""
    ctx = context(request)
    return answer(await add.add(ctx, await body(request, wire.AddModel), lambda name: token_of(ctx, name)))


async def get_model(request: Request) -> Response:
    """GET /models/{name}"""
    return answer(await records.get_wire(context(request), request.path_params["name"]))


async def remove_model(request: Request) -> Response:
    """DELETE /models/{name}"""
    await removal.remove(context(request), request.path_params["name"])
    return answer({})


async def list_families(request: Request) -> Response:
    """GET /model-families: what is known of families, the user's own among them."""
    known = families.read(context(request).paths.models_toml).families
    return answer(
        [
            wire.Family(
                name=name,
                title=one.title or name,
                layout=one.layout,
                marks=list(one.marks),
                eot=one.eot,
                supports=list(one.supports),
                context=one.context,
                licence=one.licence,
                memory=one.memory,
                hub=list(one.hub),
            )
            for name, one in known.items()
        ]
    )


async def host(request: Request) -> Response:
    """POST /hosts: host one more model, or place one anew; it loads in the background."""
    ctx, wanted = context(request), await body(request, wire.HostModel)
    new = wanted.model not in ctx.hosts.models()
    await ctx.hosts.take_up(wanted.model, wanted.placement)
    if new:
        await switch.take_up(ctx, wanted.model)
    return answer(ctx.hosts.show(wanted.model))


async def plan_host(request: Request) -> Response:
    """POST /hosts/plan: what hosting a model so would come to; nothing happens."""
    wanted = await body(request, wire.HostModel)
    return answer(await occupied.plan(context(request), wanted.model, wanted.placement))


async def retry_host(request: Request) -> Response:
    """POST /hosts/{name}/retry: load it anew, now"""
    ctx, model = context(request), request.path_params["name"]
    await ctx.hosts.retry(model)
    return answer(ctx.hosts.show(model))


async def list_devices(request: Request) -> Response:
    """GET /devices: what models can be placed on."""
    return answer(await occupied.devices(context(request)))


async def unhost(request: Request) -> Response:
    """DELETE /hosts/{name}"""
    await context(request).hosts.give_up(request.path_params["name"])
    return answer({})


ROUTES = [
    Route("/models", list_models),
    Route("/models", add_model, methods=["POST"]),
    Route("/model-families", list_families),
    Route("/models/{name:path}", get_model),
    Route("/models/{name:path}", remove_model, methods=["DELETE"]),
    Route("/hosts", host, methods=["POST"]),
    Route("/hosts/plan", plan_host, methods=["POST"]),
    Route("/hosts/{name:path}/retry", retry_host, methods=["POST"]),
    Route("/devices", list_devices),
    Route("/hosts/{name:path}", unhost, methods=["DELETE"]),
]
