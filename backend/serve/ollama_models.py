"""Which models there are, as Ollama's clients ask: `/api/tags`, `/api/ps`, `/api/show`, `/api/version`."""

import hashlib
from datetime import UTC, datetime
from typing import Any

import msgspec
from starlette.requests import Request
from starlette.responses import Response

from backend.context import Context
from backend.errors import BadRequest
from backend.models.catalog import ModelInfo, get
from backend.serve.answers import JsonResponse, decode_body, read_body
from backend.serve.names import names
from backend.serve.request import split_model
from backend.serve.upstreams import Found, find

SPOKEN = "0.9.0"
"""The version whose API this is: clients read it as one."""
LATEST = ":latest"
"""What clients put behind a name without a tag."""
NOT_KNOWN = {
    "parent_model": "",
    "format": "",
    "family": "",
    "families": [],
    "parameter_size": "",
    "quantization_level": "",
}
"""Details of a model elsewhere."""


class Show(msgspec.Struct, frozen=True):
    """Whose description is wanted; older clients say `name`."""

    model: str = ""
    name: str = ""


def split_tag(name: str) -> tuple[str, str | None]:
    """The model and choice of a name that may have Ollama's own tag behind it."""
    return split_model(name.removesuffix(LATEST))


def stamp(seconds: float) -> str:
    """Seconds since the epoch as Ollama writes a time."""
    return datetime.fromtimestamp(seconds, UTC).isoformat().replace("+00:00", "Z")


def _details(info: ModelInfo) -> dict[str, Any]:
    count = f"{info.parameters / 1e9:.1f}B" if info.parameters >= 1e9 else f"{info.parameters / 1e6:.1f}M"
    return {
        "parent_model": "",
        "format": "safetensors",
        "family": info.family,
        "families": [info.family],
        "parameter_size": count,
        "quantization_level": "",
    }


def _entry(ctx: Context, name: str) -> dict[str, Any]:
    info = get(ctx, split_model(name)[0])
    tagged = name if ":" in name else name + LATEST
    return {
        "name": tagged,
        "model": tagged,
        "modified_at": stamp(ctx.started),
        "size": info.size,
        # Clients want a digest; a model here is known by its name.
        "digest": hashlib.sha256(name.encode()).hexdigest(),
        "details": _details(info),
    }


def _entry_elsewhere(ctx: Context, found: Found) -> dict[str, Any]:
    """A model that leaves this box, told as Ollama tells of one that is computed on another's."""
    tagged = found.name if ":" in found.name else found.name + LATEST
    return {
        "name": tagged,
        "model": tagged,
        "remote_model": found.model,
        "remote_host": found.server.url,
        "modified_at": stamp(ctx.started),
        "size": 0,
        "digest": hashlib.sha256(found.name.encode()).hexdigest(),
        "details": NOT_KNOWN,
    }


async def tags(request: Request) -> Response:
    """GET /api/tags: every name under which completions can be asked for, then what leaves this box."""
    ctx: Context = request.app.state.ctx
    elsewhere = [_entry_elsewhere(ctx, found) for found in await ctx.hosts.elsewhere.models()]
    return JsonResponse({"models": [*(_entry(ctx, name) for name in await names(ctx)), *elsewhere]})


async def running(request: Request) -> Response:
    """GET /api/ps: the hosted models that are ready."""
    ctx: Context = request.app.state.ctx
    ready = [one for one in ctx.hosts.snapshot() if one.state == "ready"]
    return JsonResponse({"models": [{**_entry(ctx, one.model), "size_vram": 0} for one in ready]})


async def show(request: Request) -> Response:
    """POST /api/show: what is known of one model."""
    ctx: Context = request.app.state.ctx
    body = decode_body(await read_body(request), Show)
    name = body.model or body.name
    if not name:
        raise BadRequest("`model` is missing.")
    if found := find(ctx, name.removesuffix(LATEST)):
        return JsonResponse(_shown_elsewhere(ctx, found))
    info = get(ctx, ctx.hosts.host(split_tag(name)[0]).model)
    kinds = {"insert": info.fim_layout != "none", "chat": "chat" in info.supports}
    return JsonResponse(
        {
            "license": info.licence,
            "modelfile": "",
            "parameters": "",
            "template": "{{ .Prompt }}",
            "details": _details(info),
            "model_info": {
                "general.architecture": info.family,
                "general.parameter_count": info.parameters,
                f"{info.family}.context_length": info.context,
                f"{info.family}.embedding_length": info.hidden_size,
                f"{info.family}.block_count": info.layers,
            },
            "capabilities": ["completion", *(kind for kind, there in kinds.items() if there)],
            "modified_at": stamp(ctx.started),
        }
    )


def _shown_elsewhere(ctx: Context, found: Found) -> dict[str, Any]:
    server = found.server
    kinds = {"completion": True, "insert": server.completion, "chat": server.chat}
    return {
        "license": "",
        "modelfile": "",
        "parameters": "",
        "template": "{{ .Prompt }}",
        "remote_model": found.model,
        "remote_host": server.url,
        "details": NOT_KNOWN,
        "model_info": {"general.architecture": "elsewhere", "elsewhere.context_length": server.context},
        "capabilities": [kind for kind, there in kinds.items() if there],
        "modified_at": stamp(ctx.started),
    }


async def version(request: Request) -> Response:
    """GET /api/version"""
    return JsonResponse({"version": SPOKEN})
