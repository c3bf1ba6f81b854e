"""OpenAI's `/v1/chat/completions`, for models that bring a chat template."""

import asyncio
from typing import Any, Literal

import msgspec
from starlette.requests import Request
from starlette.responses import Response

from backend.context import Context
from backend.errors import BadRequest
from backend.models.catalog import ModelInfo, get
from backend.models.chat_template import GUARD, render
from backend.models.tokenizer import load_tokenizer
from backend.serve import passthrough, reply
from backend.serve.answers import decode_body, read_body
from backend.serve.chat_answer import ChatAnswer
from backend.serve.fields import MOST_TOKENS, OpenAiForm, sampling, seed_of, within
from backend.serve.names import abilities
from backend.serve.request import CompletionRequest, split_model
from backend.serve.upstreams import find

MAX_CHOICES = 8
MAX_LOGPROBS = 20
MAX_MESSAGES = 1000
DEFAULT_TOKENS = 1024
"""Where the client sets no limit; the model's context may end an answer before."""


class Part(msgspec.Struct, frozen=True):
    """A piece of a message."""

    type: str = "text"
    text: str | None = None


class Message(msgspec.Struct, frozen=True):
    """One turn; who calls tools may say nothing."""

    role: Literal["system", "developer", "user", "assistant", "tool", "function"]
    content: str | list[Part] | None = None
    name: str | None = None


class Body(OpenAiForm, frozen=True, kw_only=True):
    """What is read of the request; everything else is accepted and ignored, tools too."""

    messages: list[Message]
    n: int | None = None
    logprobs: bool | None = None
    top_logprobs: int | None = None
    stream_options: dict[str, Any] | None = None


def plain(messages: list[Message]) -> list[dict[str, str]]:
    """The messages as a template reads them: role and text. Raises BadRequest for none, and for what is no text."""
    if not messages or len(messages) > MAX_MESSAGES:
        raise BadRequest(f"`messages` must hold between 1 and {MAX_MESSAGES}.")
    found = []
    for one in messages:
        parts = [Part(text=one.content)] if isinstance(one.content, str) else one.content or []
        if other := [part.type for part in parts if part.type != "text"]:
            raise BadRequest(f"A message holds {other[0]!r}; the models here read text only.")
        role = {"developer": "system", "function": "tool"}.get(one.role, one.role)
        found.append({"role": role, "content": "".join(part.text or "" for part in parts)})
    return found


def chatting(ctx: Context, name: str) -> tuple[ModelInfo, str | None]:
    """The model of that name and the choice in it; without a name the first that was taught to chat.

    Raises NotFound for one that is not hosted."""
    model, choice = split_model(name)
    taught = abilities(ctx)["chat"]
    if not model and taught:
        model = taught[0]
    return get(ctx, ctx.hosts.host(model).model), choice


def laid_out(info: ModelInfo, messages: list[dict[str, str]], max_tokens: int) -> str:
    """The conversation as the model reads it; where it is too long its oldest turns fall away, not what frames it.

    Raises what `render` raises."""
    tokenizer = load_tokenizer(info)
    room = info.context - min(max_tokens, info.context // 2)
    lengths = [len(tokenizer.encode_plain(one["content"])) for one in messages]
    kept = list(range(len(messages)))
    while True:
        turns = [place for place in kept if messages[place]["role"] != "system"]
        if sum(lengths[place] for place in kept) <= room or len(turns) < 2:
            text = render(info, [messages[place] for place in kept])
            if len(turns) < 2 or len(tokenizer.encode_marked(text, GUARD)) <= room:
                return text
        # A turn goes with its answer: most templates want them to alternate.
        gone = turns[: 2 if len(turns) > 2 else 1]
        kept = [place for place in kept if place not in gone]


async def understand(ctx: Context, body: Body) -> list[CompletionRequest]:
    """The body as completion requests, one a choice. Raises BadRequest in words, NotFound for an unknown model."""
    info, choice = chatting(ctx, body.model or "")
    tokens = body.max_completion_tokens if body.max_completion_tokens is not None else body.max_tokens
    max_tokens = within("max_tokens", tokens, 1, MOST_TOKENS, DEFAULT_TOKENS)
    count = within("n", body.n, 1, MAX_CHOICES, 1)
    messages = plain(body.messages)
    first = CompletionRequest(
        prompt=await asyncio.to_thread(laid_out, info, messages, max_tokens),
        marked=True,
        max_tokens=max_tokens,
        **sampling(body),
        stream=bool(body.stream),
        model=info.name,
        choice=choice,
        logprobs=within("top_logprobs", body.top_logprobs, 0, MAX_LOGPROBS, 0) if body.logprobs else None,
    )
    return [msgspec.structs.replace(first, seed=seed_of(body.seed, turn)) for turn in range(count)]


async def completions(request: Request) -> Response:
    """POST /v1/chat/completions"""
    ctx: Context = request.app.state.ctx
    raw = await read_body(request)
    body = decode_body(raw, Body)
    if found := find(ctx, body.model or ""):
        return await passthrough.answer(request, found, "chat/completions", raw)
    apart = bool((body.stream_options or {}).get("include_usage"))
    answer = ChatAnswer(ctx, await understand(ctx, body), "apart" if apart else "none")
    return await (reply.events(request, answer.pieces()) if body.stream else reply.whole(request, answer.whole()))
