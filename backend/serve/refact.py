"""Refact's plug-ins: one capabilities document that every version of refact-lsp can read, tokenizers, telemetry.

Versions up to 0.10.14 read the flat fields, later ones `completion`, `chat`, `embedding` and the endpoint tables; a
missing mandatory field makes a version fall back to nothing, so all of them are always there, empty where need be."""

import logging
from typing import Any

import msgspec
from starlette.requests import Request
from starlette.responses import FileResponse, Response

from backend.context import Context
from backend.errors import BadRequest, RefactError
from backend.models.catalog import ModelInfo, get
from backend.serve import toolbox
from backend.serve.answers import JsonResponse, error_body, read_body
from backend.serve.names import names
from backend.serve.request import split_model

log = logging.getLogger("refact.public")
COMPLETIONS, CHAT, EMBEDDINGS = "/v1/completions", "/v1/chat/completions", "/v1/embeddings"
TELEMETRY, STATISTICS = "/stats/telemetry-basic", "/stats/rh-stats"
CLOUD_NAME = "Refact Self-Hosted"
"""Clients fall back to exactly this name."""


def record(info: ModelInfo) -> dict[str, Any]:
    """One model as both formats describe it. Exactly one scratchpad: clients take the first of an unordered map."""
    scratchpad = {
        "fim_prefix": info.fim_prefix,
        "fim_suffix": info.fim_suffix,
        "fim_middle": info.fim_middle,
        "eot": info.eot,
        "extra_stop_tokens": list(info.stops),
        "context_format": "",
        "rag_ratio": 0.5,
    }
    return {
        "n_ctx": info.context,
        "supports_scratchpads": {"FIM-PSM": scratchpad},
        "default_scratchpad": "FIM-PSM",
        "similar_models": [],
        "supports_tools": False,
        "supports_multimodality": False,
        "supports_clicks": False,
        "supports_agent": False,
        "supports_reasoning": None,
        "supports_boost_reasoning": False,
        "default_temperature": None,
    }


def chat_record(info: ModelInfo) -> dict[str, Any]:
    """One chat model as both formats describe it: its own template lays the conversation out, here."""
    return {**record(info), "supports_scratchpads": {"PASSTHROUGH": {}}, "default_scratchpad": "PASSTHROUGH"}


def _customization(ctx: Context) -> str:
    """The toolbox, as JSON, which is YAML too; empty where the user's own file cannot be read."""
    try:
        return msgspec.json.encode(toolbox.customization(toolbox.read(ctx.paths.toolbox_toml))).decode()
    except BadRequest as error:
        log.warning("%s", error.message)
        return ""


def path_name(model: str) -> str:
    """A model's name inside a URL path."""
    return model.replace("/", "--")


async def capabilities(ctx: Context) -> dict[str, Any]:
    """Both formats in one document."""
    listed = await names(ctx)
    base = {name: split_model(name)[0] for name in listed}
    infos = {model: get(ctx, model) for model in ctx.hosts.models()}
    records = {name: record(infos[base[name]]) for name in listed}
    # The plain name follows every switch at once; a checkpoint's own name would pin the plug-in to it.
    default = ctx.hosts.models()[0]
    talks = {name: chat_record(infos[base[name]]) for name in listed if "chat" in infos[base[name]].supports}
    # What leaves this box is offered after what does not, and is never the default unless nothing here chats.
    servers = {one.name: one.server for one in await ctx.hosts.elsewhere.models()}
    elsewhere = {name: one for name, one in servers.items() if one.chat or one.completion}
    for name, one in elsewhere.items():
        # Plug-ins put the default's marks around the cursor, which its tokenizer has; they are taken off again here.
        records |= {name: {**record(infos[default]), "n_ctx": one.context}} if one.completion else {}
        talks |= {name: {**chat_record(infos[default]), "n_ctx": one.context}} if one.chat else {}
    talker = next(iter(talks), "")
    return {
        "cloud_name": CLOUD_NAME,
        "endpoint_style": "openai",
        "endpoint_template": COMPLETIONS,
        "endpoint_chat_passthrough": CHAT,
        "tokenizer_path_template": "/tokenizer/$MODEL",
        # The tokenizer of a model elsewhere is not known; lengths are only estimated by it.
        "tokenizer_rewrite_path": {
            **{model: path_name(model) for model in infos},
            **{name: path_name(default) for name in elsewhere},
        },
        "telemetry_basic_dest": TELEMETRY,
        "telemetry_basic_retrieve_my_own": STATISTICS,
        "running_models": [*listed, *elsewhere],
        "code_completion_default_model": default,
        "multiline_code_completion_default_model": default,
        "code_completion_n_ctx": infos[default].context,
        "code_chat_default_model": talker,
        "code_completion_models": records,
        "code_chat_models": talks,
        "models_dict_patch": {name: {"n_ctx": one["n_ctx"]} for name, one in {**records, **talks}.items()},
        "caps_version": ctx.hosts.caps_version,
        "customization": _customization(ctx) if talks else "",
        "completion": {"endpoint": COMPLETIONS, "default_model": default, "models": records},
        "chat": {"endpoint": CHAT, "models": talks, "default_model": talker},
        "embedding": {"endpoint": EMBEDDINGS, "models": {}, "default_model": ""},
        "telemetry_endpoints": {
            "telemetry_basic_endpoint": TELEMETRY,
            "telemetry_basic_retrieve_my_own_endpoint": STATISTICS,
        },
        "tokenizer_endpoints": {
            name: f"/tokenizer/{path_name(base.get(name, default))}" for name in (*listed, *elsewhere)
        },
    }


async def caps(request: Request) -> Response:
    """GET /refact-caps and /coding_assistant_caps.json"""
    return JsonResponse(await capabilities(request.app.state.ctx))


async def tokenizer(request: Request) -> Response:
    """GET /tokenizer/{name}: public, since plug-ins ask for it without their key; `--` stands for `/`."""
    model = split_model(request.path_params["name"].replace("--", "/"))[0]
    try:
        path = get(request.app.state.ctx, model).path / "tokenizer.json"
    except RefactError as error:
        return JsonResponse(error_body(404, error.message, error.code), 404)
    return FileResponse(path, media_type="application/json")


async def telemetry(request: Request) -> Response:
    """POST /stats/telemetry-basic and -snippets: accepted, not kept; any other answer makes plug-ins retry for ever."""
    await read_body(request)
    return JsonResponse({"retcode": "OK"})


async def statistics(request: Request) -> Response:
    """GET /stats/rh-stats: no records."""
    return Response(b"", media_type="text/event-stream")
