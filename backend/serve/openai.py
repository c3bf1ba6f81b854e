"""OpenAI's `/v1/completions` (with `suffix`) and `/v1/models`, as refact-lsp and OpenAI's own clients speak them."""

import secrets
import time
from collections.abc import AsyncGenerator
from contextlib import aclosing
from typing import Any, TypeVar

import msgspec
from starlette.requests import Request
from starlette.responses import Response

from backend.context import Context
from backend.errors import BadRequest, RefactError
from backend.serve.answers import (
    GONE,
    EventStream,
    JsonResponse,
    decode_body,
    error_body,
    event,
    read_body,
    unless_gone,
)
from backend.serve.names import names
from backend.serve.request import CompletionRequest, Delta, split_model

N = TypeVar("N", int, float)
MAX_CHOICES = 16
"""Prompts times `n` of one request."""
MAX_STOPS = 16


class Body(msgspec.Struct, frozen=True):
    """What is read of the request; everything else is accepted and ignored."""

    prompt: str | list[str]
    model: str | None = None
    suffix: str | None = None
    max_tokens: int | None = None
    max_completion_tokens: int | None = None
    temperature: float | None = None
    top_p: float | None = None
    stop: str | list[str] | None = None
    seed: int | None = None
    n: int | None = None
    echo: bool | None = None
    stream: bool | None = None
    stream_options: dict[str, Any] | None = None


class Call(msgspec.Struct, frozen=True):
    """One request understood: what to generate for each choice, and how to answer."""

    requests: list[CompletionRequest]
    echo: bool
    stream: bool
    usage: bool


def understand(body: Body) -> Call:
    """The body as completion requests, one a choice. Raises BadRequest in words for values out of range."""
    prompts = [body.prompt] if isinstance(body.prompt, str) else body.prompt
    count = 1 if body.n is None else body.n
    if not prompts or count < 1 or len(prompts) * count > MAX_CHOICES:
        raise BadRequest(f"`n` times the number of prompts must lie between 1 and {MAX_CHOICES}.")
    model, choice = split_model(body.model or "")
    stops = [body.stop] if isinstance(body.stop, str) else body.stop or []
    if len(stops) > MAX_STOPS:
        raise BadRequest(f"`stop` may hold {MAX_STOPS} texts at most.")
    tokens = body.max_tokens if body.max_tokens is not None else body.max_completion_tokens
    plain = CompletionRequest(
        prompt="",
        suffix=body.suffix or None,
        max_tokens=_within("max_tokens", tokens, 1, 1_000_000, 64),
        stop=tuple(stops),
        temperature=_within("temperature", body.temperature, 0.0, 4.0, 0.2),
        top_p=_within("top_p", body.top_p, 0.0, 1.0, 1.0),
        seed=body.seed,
        stream=bool(body.stream),
        model="" if model == "CONTRASTcode" else model,
        choice=choice,
    )
    requests = []
    for prompt in prompts:
        for turn in range(count):
            seed = None if body.seed is None else body.seed + turn
            requests.append(msgspec.structs.replace(plain, prompt=prompt, seed=seed))
    return Call(requests, bool(body.echo), bool(body.stream), bool((body.stream_options or {}).get("include_usage")))


def _within(name: str, value: N | None, low: N, high: N, default: N) -> N:
    if value is None:
        return default
    if not low <= value <= high:
        raise BadRequest(f"`{name}` is {value}; it must lie between {low} and {high}.")
    return value


class Answer:
    """The envelope that every packet of one answer shares."""

    def __init__(self, ctx: Context, call: Call) -> None:
        first = call.requests[0]
        self._ctx, self._call = ctx, call
        self._id, self._created = f"cmpl-{secrets.token_hex(12)}", int(time.time())
        self._model = ctx.hosts.host(first.model).model
        self._checkpoint: str | None = None
        self.prompt_tokens = self.tokens = 0

    def packet(self, choices: list[dict[str, Any]]) -> dict[str, Any]:
        """One answer or one piece of a streamed one."""
        model = f"{self._model}:{self._checkpoint}" if self._checkpoint else self._model
        return {
            "id": self._id,
            "object": "text_completion",
            "created": self._created,
            "model": model,
            "checkpoint": self._checkpoint,
            "choices": choices,
            "caps_version": self._ctx.hosts.caps_version,
        }

    def choice(self, index: int, delta: Delta, text: str) -> dict[str, Any]:
        """One choice; a finished one is counted."""
        self._checkpoint = delta.checkpoint
        if delta.finish_reason:
            self.prompt_tokens += delta.prompt_tokens
            self.tokens += delta.tokens
        return {"index": index, "text": text, "logprobs": None, "finish_reason": delta.finish_reason}

    def usage(self) -> dict[str, int]:
        """Tokens of all finished choices."""
        return {
            "prompt_tokens": self.prompt_tokens,
            "completion_tokens": self.tokens,
            "total_tokens": self.prompt_tokens + self.tokens,
        }

    async def whole(self) -> dict[str, Any]:
        """The answer in one piece."""
        choices = []
        for index, request in enumerate(self._call.requests):
            text = request.prompt if self._call.echo else ""
            async with aclosing(self._ctx.hosts.generate(request)) as pieces:
                async for delta in pieces:
                    text += delta.text
            choices.append(self.choice(index, delta, text))
        return {**self.packet(choices), "usage": self.usage()}

    async def pieces(self) -> AsyncGenerator[dict[str, Any], None]:
        """The answer as it comes, choice after choice."""
        for index, request in enumerate(self._call.requests):
            before = request.prompt if self._call.echo else ""
            async with aclosing(self._ctx.hosts.generate(request)) as pieces:
                async for delta in pieces:
                    yield self.packet([self.choice(index, delta, before + delta.text)])
                    before = ""
        if self._call.usage:
            yield {**self.packet([]), "usage": self.usage()}


async def completions(request: Request) -> Response:
    """POST /v1/completions"""
    ctx: Context = request.app.state.ctx
    call = understand(decode_body(await read_body(request), Body))
    answer = Answer(ctx, call)
    if not call.stream:
        whole = await unless_gone(request, answer.whole())
        return Response(status_code=GONE) if whole is None else JsonResponse(whole)
    pieces = answer.pieces()
    # Waiting for the first piece lets what goes wrong until then be answered with a proper status.
    first = await unless_gone(request, anext(pieces))
    if first is None:
        await pieces.aclose()
        return Response(status_code=GONE)
    return EventStream(_events(first, pieces))


async def _events(first: dict[str, Any], pieces: AsyncGenerator[dict[str, Any], None]) -> AsyncGenerator[bytes, None]:
    async with aclosing(pieces):
        yield event(first)
        try:
            async for piece in pieces:
                yield event(piece)
        except RefactError as error:
            # The status has been sent: an error packet and no [DONE] is what clients take for a failed answer.
            yield event(error_body(error.status, f"{error.message} {error.hint}".strip(), error.code))
            return
        yield b"data: [DONE]\n\n"


async def models(request: Request) -> Response:
    """GET /v1/models: what is hosted, then the base and every checkpoint of it by name."""
    ctx: Context = request.app.state.ctx
    listed = [
        {
            "id": name,
            "object": "model",
            "created": int(ctx.started),
            "owned_by": "refact-tui",
            "root": split_model(name)[0],
            "completion": True,
            "chat": False,
        }
        for name in await names(ctx)
    ]
    return JsonResponse({"object": "list", "data": listed})
