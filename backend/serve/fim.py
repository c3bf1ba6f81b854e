"""Mistral's `/v1/fim/completions`, which Continue speaks: a prompt and a suffix in, pieces in a chat's shape out."""

import secrets
import time
from collections.abc import AsyncGenerator
from contextlib import aclosing
from typing import Any

import msgspec
from starlette.requests import Request
from starlette.responses import Response

from backend.context import Context
from backend.serve import reply
from backend.serve.answers import decode_body, read_body
from backend.serve.fields import MOST_TOKENS, stop_texts, within
from backend.serve.request import CompletionRequest, Delta, split_model


class Body(msgspec.Struct, frozen=True):
    """What is read of the request; everything else is accepted and ignored."""

    prompt: str
    suffix: str | None = None
    model: str | None = None
    max_tokens: int | None = None
    max_completion_tokens: int | None = None
    temperature: float | None = None
    top_p: float | None = None
    stop: str | list[str] | None = None
    random_seed: int | None = None
    seed: int | None = None
    stream: bool | None = None


def understand(body: Body) -> CompletionRequest:
    """The body as a completion request. Raises BadRequest in words for values out of range."""
    model, choice = split_model(body.model or "")
    tokens = body.max_tokens if body.max_tokens is not None else body.max_completion_tokens
    return CompletionRequest(
        prompt=body.prompt,
        suffix=body.suffix or None,
        max_tokens=within("max_tokens", tokens, 1, MOST_TOKENS, 64),
        stop=stop_texts(body.stop),
        temperature=within("temperature", body.temperature, 0.0, 4.0, 0.2),
        top_p=within("top_p", body.top_p, 0.0, 1.0, 1.0),
        seed=body.random_seed if body.random_seed is not None else body.seed,
        stream=bool(body.stream),
        model=model,
        choice=choice,
    )


class Answer:
    """One answer in the shape of a chat's: pieces carry `delta.content`."""

    def __init__(self, ctx: Context, asked: CompletionRequest) -> None:
        self._ctx, self._asked = ctx, asked
        self._id, self._created = f"cmpl-{secrets.token_hex(12)}", int(time.time())
        self._model = ctx.hosts.host(asked.model).model

    async def whole(self) -> dict[str, Any]:
        """The answer in one piece."""
        text = ""
        async with aclosing(self._ctx.hosts.generate(self._asked)) as pieces:
            async for delta in pieces:
                text += delta.text
        return {
            **self._packet("chat.completion", {"message": {"role": "assistant", "content": text}}, delta),
            "usage": usage(delta),
        }

    async def pieces(self) -> AsyncGenerator[dict[str, Any], None]:
        """The answer as it comes; the last piece tells the usage."""
        role = {"role": "assistant"}
        async with aclosing(self._ctx.hosts.generate(self._asked)) as pieces:
            async for delta in pieces:
                packet = self._packet("chat.completion.chunk", {"delta": {**role, "content": delta.text}}, delta)
                yield {**packet, "usage": usage(delta)} if delta.finish_reason else packet
                role = {}

    def _packet(self, kind: str, said: dict[str, Any], delta: Delta) -> dict[str, Any]:
        return {
            "id": self._id,
            "object": kind,
            "created": self._created,
            "model": f"{self._model}:{delta.checkpoint}" if delta.checkpoint else self._model,
            "choices": [{"index": 0, **said, "finish_reason": delta.finish_reason}],
            "caps_version": self._ctx.hosts.caps_version,
        }


def usage(delta: Delta) -> dict[str, int]:
    """Tokens of a finished answer."""
    total = delta.prompt_tokens + delta.tokens
    return {"prompt_tokens": delta.prompt_tokens, "completion_tokens": delta.tokens, "total_tokens": total}


async def completions(request: Request) -> Response:
    """POST /v1/fim/completions"""
    asked = understand(decode_body(await read_body(request), Body))
    answer = Answer(request.app.state.ctx, asked)
    return await (reply.events(request, answer.pieces()) if asked.stream else reply.whole(request, answer.whole()))
