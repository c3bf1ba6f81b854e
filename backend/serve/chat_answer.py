"""Answers in the shape of OpenAI's chat: whole messages, or chunks whose `delta` holds the next piece."""

import secrets
import time
from collections.abc import AsyncGenerator, Sequence
from contextlib import aclosing
from typing import Any, Literal

from backend.context import Context
from backend.serve import answering, choices
from backend.serve.reply import tokens_used
from backend.serve.request import CompletionRequest, Delta, TokenLogprob, named

Usage = Literal["none", "apart", "last"]
"""Where a stream tells its tokens: nowhere, in a packet of its own as OpenAI does, or in the last one as Mistral."""


class ChatAnswer:
    """One answer, of one or several choices."""

    def __init__(self, ctx: Context, requests: Sequence[CompletionRequest], usage: Usage = "none") -> None:
        self._ctx, self._requests, self._usage = ctx, requests, usage
        self._id, self._created = f"chatcmpl-{secrets.token_hex(12)}", int(time.time())
        self._model = answering.model(ctx, requests[0])
        self._checkpoint: str | None = None
        self._prompt_tokens = self._tokens = 0

    async def whole(self) -> dict[str, Any]:
        """The answer in one piece."""
        texts = ["" for _ in self._requests]
        found: dict[int, dict[str, Any]] = {}
        async with aclosing(choices.generate(self._ctx, self._requests)) as pieces:
            async for index, delta in pieces:
                texts[index] += delta.text
                said = {"message": {"role": "assistant", "content": texts[index]}}
                found[index] = self._choice(index, said, delta)
        packet = self._packet("chat.completion", [found[index] for index in sorted(found)])
        return {**packet, "usage": self._used()}

    async def pieces(self) -> AsyncGenerator[dict[str, Any], None]:
        """The answer as it comes; the first piece of every choice tells the role."""
        begun: set[int] = set()
        ended = 0
        async with aclosing(choices.generate(self._ctx, self._requests)) as pieces:
            async for index, delta in pieces:
                role = {} if index in begun else {"role": "assistant"}
                begun.add(index)
                choice = self._choice(index, {"delta": {**role, "content": delta.text}}, delta)
                ended += delta.finish_reason is not None
                packet = self._packet("chat.completion.chunk", [choice])
                last = self._usage == "last" and ended == len(self._requests)
                yield {**packet, "usage": self._used()} if last else packet
        if self._usage == "apart":
            yield {**self._packet("chat.completion.chunk", []), "usage": self._used()}

    def _packet(self, kind: str, choices: list[dict[str, Any]]) -> dict[str, Any]:
        return {
            "id": self._id,
            "object": kind,
            "created": self._created,
            "model": named(self._model, self._checkpoint),
            "choices": choices,
            "caps_version": self._ctx.hosts.caps_version,
        }

    def _choice(self, index: int, said: dict[str, Any], delta: Delta) -> dict[str, Any]:
        """One choice or a piece of it; a finished one is counted, and the prompt once."""
        self._checkpoint = delta.checkpoint
        if delta.finish_reason:
            self._tokens += delta.tokens
            self._prompt_tokens = delta.prompt_tokens
        told = {"content": [_likely(one) for one in delta.logprobs]} if delta.logprobs else None
        return {"index": index, **said, "logprobs": told, "finish_reason": delta.finish_reason}

    def _used(self) -> dict[str, int]:
        return tokens_used(self._prompt_tokens, self._tokens)


def _likely(one: TokenLogprob) -> dict[str, Any]:
    top = [{"token": token, "logprob": value, "bytes": list(token.encode())} for token, value in one.top]
    return {"token": one.token, "logprob": one.logprob, "bytes": list(one.token.encode()), "top_logprobs": top}
