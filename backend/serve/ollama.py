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
from backend.serve import answering, chat, elsewhere, reply
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
    raw: bool | None = None
    """The prompt is not to be taken for a question to a model that only chats."""
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

    def __init__(self, ctx: Context, name: str, deltas: AsyncGenerator[Delta, None] | None, talk: bool) -> None:
        """Without `deltas` the model was only wanted to be there."""
        self._ctx, self._name, self._deltas, self._talk = ctx, name, deltas, talk
        self._began = time.monotonic_ns()
        self._first: int | None = None

    async def whole(self) -> dict[str, Any]:
        """The answer in one piece."""
        text = ""
        async with aclosing(self.pieces()) as pieces:
            async for piece in pieces:
                text += piece["message"]["content"] if self._talk else piece["response"]
        return {**piece, **self._said(text)}

    async def pieces(self) -> AsyncGenerator[dict[str, Any], None]:
        """The answer as it comes."""
        if self._deltas is None:
            yield {**self._piece("", True), "done_reason": "load"}
            return
        async with aclosing(self._deltas) as pieces:
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
        return {"message": {"role": "assistant", "content": text}} if self._talk else {"response": text}

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
    ctx: Context = request.app.state.ctx
    body = decode_body(await read_body(request), Body)
    asked = understand(body)
    answering.model(ctx, asked)  # unknown names are refused before anything else
    deltas = None
    if asked.prompt or asked.suffix:
        found = answering.there(ctx, asked)
        if found and found.server.chat and not (found.server.completion or asked.suffix or body.raw):
            question = [{"role": "user", "content": asked.prompt}]
            deltas = elsewhere.converse(ctx, found, question, asked)
        else:
            deltas = answering.generate(ctx, asked)
    return await _reply(request, Answer(ctx, body.model, deltas, False), body.stream)


async def converse(request: Request) -> Response:
    """POST /api/chat: as OpenAI's, under Ollama's names for things."""
    ctx: Context = request.app.state.ctx
    body = decode_body(await read_body(request), Talk)
    plain = understand(Body(model=body.model, stream=body.stream, options=body.options))
    answering.model(ctx, plain)
    deltas = None
    if body.messages and (found := answering.there(ctx, plain)):
        deltas = elsewhere.converse(ctx, found, chat.plain(body.messages), plain)
    elif body.messages:
        asked = chat.Body(messages=body.messages, model=body.model.removesuffix(LATEST), max_tokens=plain.max_tokens)
        (here,) = await chat.understand(ctx, asked)
        taken = {name: getattr(plain, name) for name in ("stop", "temperature", "top_p", "seed", "stream")}
        deltas = answering.generate(ctx, msgspec.structs.replace(here, **taken))
    return await _reply(request, Answer(ctx, body.model, deltas, True), body.stream)


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
