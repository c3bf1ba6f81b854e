"""Tabby's editors: completions with `segments`, health and settings in their shape, and what became of an answer."""

import platform
import secrets
from contextlib import aclosing
from typing import Any

import msgspec
import psutil
from starlette.requests import Request
from starlette.responses import Response

from backend import __version__
from backend.context import Context
from backend.errors import BadRequest
from backend.serve import answering, reply
from backend.serve.answers import JsonResponse, decode_body, read_body
from backend.serve.fields import seed_of, within
from backend.serve.names import abilities
from backend.serve.request import CompletionRequest, named, split_model
from backend.serve.snippets import Snippet, commented

MAX_TOKENS = 64
STOPS = ("\n\n",)
"""What an editor shows is one piece of code; without a limit a small model goes on with the next function."""
SPOKEN = "v0.30.0"
"""The version whose API this is: clients read it as one."""


class Segments(msgspec.Struct, frozen=True):
    """The text around the cursor and what else the editor found worth sending."""

    prefix: str
    suffix: str | None = None
    filepath: str | None = None
    clipboard: str | None = None
    declarations: list[Snippet] | None = None
    relevant_snippets_from_changed_files: list[Snippet] | None = None
    relevant_snippets_from_recently_opened_files: list[Snippet] | None = None


class Debug(msgspec.Struct, frozen=True):
    """What of a request is for finding faults."""

    raw_prompt: str | None = None


class Body(msgspec.Struct, frozen=True):
    """What is read of the request; everything else is accepted and ignored."""

    segments: Segments
    language: str | None = None
    temperature: float | None = None
    seed: int | None = None
    model: str | None = None
    debug_options: Debug | None = None


class Event(msgspec.Struct, frozen=True):
    """What an editor tells of an answer."""

    type: str
    completion_id: str | None = None


async def complete(request: Request, body: bytes) -> Response:
    """The answer to a body with `segments`; Tabby's editors know no streams."""
    return await reply.whole(request, _answer(request.app.state.ctx, understand(decode_body(body, Body))))


def understand(body: Body) -> CompletionRequest:
    """The body as a completion request. Raises BadRequest in words for values out of range."""
    segments = body.segments
    model, choice = split_model(body.model or "")
    raw = body.debug_options.raw_prompt if body.debug_options else None
    snippets = [
        *(segments.relevant_snippets_from_recently_opened_files or []),
        *(segments.relevant_snippets_from_changed_files or []),
        *(segments.declarations or []),
    ]
    return CompletionRequest(
        prompt=commented(snippets, body.language or "") + segments.prefix if raw is None else raw,
        suffix=(segments.suffix or None) if raw is None else None,
        max_tokens=MAX_TOKENS,
        stop=STOPS,
        temperature=within("temperature", body.temperature, 0.0, 4.0, 0.1),
        seed=seed_of(body.seed),
        model=model,
        choice=choice,
    )


async def _answer(ctx: Context, asked: CompletionRequest) -> dict[str, Any]:
    id_, text, model = f"cmpl-{secrets.token_hex(12)}", "", answering.model(ctx, asked)
    async with aclosing(answering.generate(ctx, asked)) as pieces:
        async for delta in pieces:
            text += delta.text
    ctx.hosts.acceptance.answered(id_, model, delta.checkpoint)
    return {
        "id": id_,
        "choices": [{"index": 0, "text": text}],
        "mode": "standard",
        "model": named(model, delta.checkpoint),
        "caps_version": ctx.hosts.caps_version,
    }


async def events(request: Request) -> Response:
    """POST /v1/events: an answer was shown, taken or dismissed; events of other kinds are accepted and not counted."""
    body = await read_body(request)
    told = decode_body(body, Event)
    acceptance = request.app.state.ctx.hosts.acceptance
    count = {"view": acceptance.shown, "select": acceptance.taken, "dismiss": acceptance.dismissed}.get(told.type)
    if count:
        if told.completion_id is None:
            raise BadRequest(f"An event of the kind {told.type} needs its `completion_id`.")
        count(told.completion_id)
    return Response(status_code=200)


async def health(request: Request) -> Response:
    """GET and POST /v1/health: as Tabby tells it, and `status` of the default model."""
    ctx: Context = request.app.state.ctx
    first = ctx.hosts.snapshot()[0]
    names = abilities(ctx)
    local = {kind: {"local": {"model_id": one[0], "device": "cpu"}} if one else None for kind, one in names.items()}
    return JsonResponse(
        {
            "status": "ok" if first.state == "ready" else first.state,
            "model": first.model,
            "chat_model": next(iter(names["chat"]), None),
            "checkpoint": first.checkpoint,
            "device": "cpu",
            "arch": platform.machine(),
            "cpu_info": platform.processor() or platform.machine(),
            "cpu_count": psutil.cpu_count() or 1,
            "cuda_devices": [],
            "models": {**local, "embedding": None},
            "version": {
                "build_date": "",
                "build_timestamp": "",
                "git_sha": f"refact-tui {__version__}",
                "git_describe": SPOKEN,
            },
            "webserver": False,
        }
    )


async def server_setting(request: Request) -> Response:
    """GET /v1beta/server_setting: nothing is to be sent to anybody else."""
    return JsonResponse({"disable_client_side_telemetry": True})


async def models(request: Request) -> Response:
    """GET /v1beta/models"""
    return JsonResponse({**abilities(request.app.state.ctx), "embedding": []})
