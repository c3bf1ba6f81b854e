"""OpenAI's `/v1/completions` (with `suffix`) and `/v1/models`, as refact-lsp and OpenAI's own clients speak them."""

from typing import Any

import msgspec
from starlette.requests import Request
from starlette.responses import Response

from backend.context import Context
from backend.errors import BadRequest
from backend.serve import reply
from backend.serve.answers import JsonResponse, decode_body
from backend.serve.fields import MOST_TOKENS, OpenAiForm, sampling, seed_of, within
from backend.serve.names import abilities, names
from backend.serve.openai_answer import Answer
from backend.serve.request import CompletionRequest, split_model

MAX_CHOICES = 16
"""Prompts times `n` of one request."""
MAX_LOGPROBS = 20


class Body(OpenAiForm, frozen=True, kw_only=True):
    """What is read of the request; everything else is accepted and ignored."""

    prompt: str | list[str]
    suffix: str | None = None
    n: int | None = None
    best_of: int | None = None
    echo: bool | None = None
    logprobs: int | None = None
    stream_options: dict[str, Any] | None = None


class Call(msgspec.Struct, frozen=True):
    """One request understood: what to generate for each choice, and how to answer."""

    requests: list[CompletionRequest]
    """For each prompt its choices."""
    count: int
    """Choices of each prompt."""
    echo: bool
    stream: bool
    usage: bool


def understand(body: Body) -> Call:
    """The body as completion requests, one a choice. Raises BadRequest in words for values out of range."""
    prompts = [body.prompt] if isinstance(body.prompt, str) else body.prompt
    count = 1 if body.n is None else body.n
    if not prompts or count < 1 or len(prompts) * count > MAX_CHOICES:
        raise BadRequest(f"`n` times the number of prompts must lie between 1 and {MAX_CHOICES}.")
    if body.best_of is not None and body.best_of != count:
        raise BadRequest(f"`best_of` is {body.best_of}, `n` is {count}: nothing is generated that is not answered.")
    if body.logprobs is not None and body.echo:
        raise BadRequest("`logprobs` together with `echo` is not answered: a prompt's own probabilities are not kept.")
    model, choice = split_model(body.model or "")
    tokens = body.max_tokens if body.max_tokens is not None else body.max_completion_tokens
    plain = CompletionRequest(
        prompt="",
        suffix=body.suffix or None,
        max_tokens=within("max_tokens", tokens, 1, MOST_TOKENS, 64),
        **sampling(body),
        stream=bool(body.stream),
        model="" if model == "CONTRASTcode" else model,
        choice=choice,
        logprobs=None if body.logprobs is None else within("logprobs", body.logprobs, 0, MAX_LOGPROBS, 0),
    )
    requests = []
    for prompt in prompts:
        for turn in range(count):
            requests.append(msgspec.structs.replace(plain, prompt=prompt, seed=seed_of(body.seed, turn)))
    usage = bool((body.stream_options or {}).get("include_usage"))
    return Call(requests, count, bool(body.echo), bool(body.stream), usage)


async def complete(request: Request, body: bytes) -> Response:
    """The answer to a body that is neither Tabby's nor another's."""
    call = understand(decode_body(body, Body))
    answer = Answer(request.app.state.ctx, call.requests, call.count, call.echo, call.usage)
    if call.stream:
        return await reply.events(request, answer.pieces())
    return await reply.whole(request, answer.whole())


async def models(request: Request) -> Response:
    """GET /v1/models: what is hosted, then the base and every checkpoint of it by name, then what leaves this box."""
    ctx: Context = request.app.state.ctx
    kinds = abilities(ctx)
    listed = [
        {
            "id": name,
            "object": "model",
            "created": int(ctx.started),
            "owned_by": "refact-tui",
            "root": (root := split_model(name)[0]),
            "completion": root in kinds["completion"],
            "chat": root in kinds["chat"],
            "leaves_box": False,
        }
        for name in await names(ctx)
    ]
    elsewhere = [
        {
            "id": found.name,
            "object": "model",
            "created": int(ctx.started),
            "owned_by": found.upstream,
            "root": found.name,
            "completion": found.server.completion,
            "chat": found.server.chat,
            "leaves_box": True,
        }
        for found in await ctx.hosts.elsewhere.models()
    ]
    return JsonResponse({"object": "list", "data": listed + elsewhere})
