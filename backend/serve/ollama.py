"""Ollama's `/api/generate`, with `suffix` as true fill-in-the-middle, and `/api/chat`; a JSON object a line."""

import time
from collections.abc import AsyncGenerator
from contextlib import aclosing
from typing import Any

import msgspec
from starlette.requests import Request
from starlette.responses import Response

from backend.context import Context
from backend.errors import RefactError
from backend.serve import chat, reply
from backend.serve.answers import decode_body, read_body
from backend.serve.fields import MOST_TOKENS, Sampled, sampling, seed_of, within
from backend.serve.ollama_models import LATEST, split_tag, stamp
from backend.serve.request import CompletionRequest, Delta


class Options(Sampled, frozen=True, kw_only=True):
    """What is read of a request's options; everything else is accepted and ignored."""

    num_predict: int | None = None


class Body(msgspec.Struct, frozen=True):
    """What is read of the request; everything else is accepted and ignored."""

    model: str
    prompt: str = ""
    suffix: str | None = None
    stream: bool | None = None
    options: Options | None = None


class Talk(msgspec.Struct, frozen=True):
    """A conversation; what else it holds is accepted and ignored."""

    model: str
    messages: list[chat.Message] = []
    stream: bool | None = None
    options: Options | None = None


def understand(body: Body) -> CompletionRequest:
    """The body as a completion request. Raises BadRequest in words for values out of range."""
    model, choice = split_tag(body.model)
    options = body.options or Options()
    tokens = options.num_predict
    if tokens is not None and tokens < 0:
        tokens = MOST_TOKENS
    return CompletionRequest(
        prompt=body.prompt,
        suffix=body.suffix or None,
        max_tokens=within("num_predict", tokens, 1, MOST_TOKENS, 128),
        **sampling(options),
        seed=seed_of(options.seed),
        stream=body.stream is not False,
        model=model,
        choice=choice,
    )


class Answer:
    """One answer in Ollama's shape, under the name that was asked for; a message where it was a conversation."""

    def __init__(self, ctx: Context, name: str, asked: CompletionRequest) -> None:
        self._ctx, self._name, self._asked = ctx, name, asked
        self._began = time.monotonic_ns()
        self._first: int | None = None
        ctx.hosts.host(asked.model)  # unknown names are refused before anything else

    async def whole(self) -> dict[str, Any]:
        """The answer in one piece."""
        text = ""
        async with aclosing(self.pieces()) as pieces:
            async for piece in pieces:
                text += piece["message"]["content"] if self._asked.marked else piece["response"]
        return {**piece, **self._said(text)}

    async def pieces(self) -> AsyncGenerator[dict[str, Any], None]:
        """The answer as it comes; a request without a prompt only wants the model to be there."""
        if not self._asked.prompt and not self._asked.suffix:
            yield {**self._piece("", True), "done_reason": "load"}
            return
        async with aclosing(self._ctx.hosts.generate(self._asked)) as pieces:
            async for delta in pieces:
                self._first = self._first or time.monotonic_ns()
                if not delta.finish_reason:
                    yield self._piece(delta.text, False)
                    continue
                if delta.text:
                    yield self._piece(delta.text, False)
                yield {**self._piece("", True), **self._end(delta)}

    def _piece(self, text: str, done: bool) -> dict[str, Any]:
        return {"model": self._name, "created_at": stamp(time.time()), **self._said(text), "done": done}

    def _said(self, text: str) -> dict[str, Any]:
        return {"message": {"role": "assistant", "content": text}} if self._asked.marked else {"response": text}

    def _end(self, delta: Delta) -> dict[str, Any]:
        """Why it ended, tokens, and nanoseconds."""
        first, now = self._first or self._began, time.monotonic_ns()
        return {
            "done_reason": delta.finish_reason,
            "total_duration": now - self._began,
            "load_duration": 0,
            "prompt_eval_count": delta.prompt_tokens,
            "prompt_eval_duration": first - self._began,
            "eval_count": delta.tokens,
            "eval_duration": now - first,
            "caps_version": self._ctx.hosts.caps_version,
        }


async def generate(request: Request) -> Response:
    """POST /api/generate"""
    body = decode_body(await read_body(request), Body)
    return await _reply(request, Answer(request.app.state.ctx, body.model, understand(body)), body.stream)


async def converse(request: Request) -> Response:
    """POST /api/chat: as OpenAI's, under Ollama's names for things."""
    ctx: Context = request.app.state.ctx
    body = decode_body(await read_body(request), Talk)
    plain = understand(Body(model=body.model, stream=body.stream, options=body.options))
    asked = chat.Body(messages=body.messages, model=body.model.removesuffix(LATEST), max_tokens=plain.max_tokens)
    (found,) = await chat.understand(ctx, asked) if body.messages else [plain]
    taken = {name: getattr(plain, name) for name in ("stop", "temperature", "top_p", "seed", "stream")}
    found = msgspec.structs.replace(found, marked=True, **taken)
    return await _reply(request, Answer(ctx, body.model, found), body.stream)


async def _reply(request: Request, answer: Answer, stream: bool | None) -> Response:
    if stream is False:
        return await reply.whole(request, answer.whole())
    return await reply.streamed(request, answer.pieces(), "application/x-ndjson", line, failed_line)


def line(value: Any) -> bytes:
    """One JSON object and the end of its line."""
    return msgspec.json.encode(value) + b"\n"


def failed_line(error: RefactError) -> bytes:
    """What a client reads when an answer ends before its end."""
    return line({"error": f"{error.message} {error.hint}".strip()})
