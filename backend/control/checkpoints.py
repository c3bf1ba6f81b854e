"""Routes of what training has left: lists, lineage, export, deleting, switching."""

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from backend import wire
from backend.checkpoints import catalog, export, lineage, switch, trash
from backend.control.answers import answer, body, context
from backend.serve.complete import complete
from backend.train import run as runs


async def list_checkpoints(request: Request) -> Response:
    """GET /checkpoints"""
    return answer(await catalog.list_checkpoints(context(request)))


async def get(request: Request) -> Response:
    """GET /checkpoints/{name}"""
    return answer(await catalog.resolve(context(request), request.path_params["name"]))


async def files(request: Request) -> Response:
    """GET /checkpoints/{name}/files: what taught it"""
    return answer(await lineage.files(context(request), request.path_params["name"]))


async def export_one(request: Request) -> Response:
    """POST /checkpoints/{name}/export: to a new folder of this box"""
    wanted = await body(request, wire.Export)
    return answer(await export.export(context(request), request.path_params["name"], wanted))


async def pin(request: Request) -> Response:
    """POST /checkpoints/{name}/pin: keep it whatever its loss, or no longer"""
    wanted = await body(request, wire.Pin)
    return answer(await catalog.pin(context(request), request.path_params["name"], wanted.pinned))


async def delete(request: Request) -> Response:
    """DELETE /checkpoints/{name}: into the trash"""
    await trash.delete_checkpoint(context(request), request.path_params["name"])
    return answer({})


async def delete_run(request: Request) -> Response:
    """DELETE /train/runs/{run}: into the trash, with its checkpoints"""
    await trash.delete_run(context(request), request.path_params["run"])
    return answer({})


async def rename_run(request: Request) -> Response:
    """POST /train/runs/{run}/rename"""
    ctx, wanted = context(request), await body(request, wire.NewName)
    await runs.get(ctx, request.path_params["run"])
    return answer(await trash.rename_run(ctx, request.path_params["run"], wanted.name))


async def use(request: Request) -> Response:
    """POST /use"""
    return answer(await switch.use(context(request), await body(request, wire.Use)))


async def serving(request: Request) -> Response:
    """GET /serving"""
    return answer(switch.serving(context(request)))


async def complete_one(request: Request) -> Response:
    """POST /complete"""
    return answer(await complete(context(request), await body(request, wire.Complete)))


ROUTES = [
    Route("/checkpoints", list_checkpoints),
    Route("/checkpoints/{name}", get),
    Route("/checkpoints/{name}", delete, methods=["DELETE"]),
    Route("/checkpoints/{name}/files", files),
    Route("/checkpoints/{name}/pin", pin, methods=["POST"]),
    Route("/checkpoints/{name}/export", export_one, methods=["POST"]),
    Route("/train/runs/{run}", delete_run, methods=["DELETE"]),
    Route("/train/runs/{run}/rename", rename_run, methods=["POST"]),
    Route("/use", use, methods=["POST"]),
    Route("/serving", serving),
    Route("/complete", complete_one, methods=["POST"]),
]
