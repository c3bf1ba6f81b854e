"""What `/v1/completions` answers in OpenAI's form: packets that share one envelope, probabilities, usage."""

import secrets
import time
from collections.abc import AsyncGenerator, Sequence
from contextlib import aclosing
from typing import Any

from backend.context import Context
from backend.serve import answering, choices
from backend.serve.reply import tokens_used
from backend.serve.request import CompletionRequest, Delta, TokenLogprob, named


class Answer:
    """One answer; `count` choices belong to each prompt."""

    def __init__(
        self, ctx: Context, requests: Sequence[CompletionRequest], count: int, echo: bool = False, usage: bool = False
    ) -> None:
        self._ctx, self._requests, self._count, self._echo, self._usage = ctx, requests, count, echo, usage
        self._id, self._created = f"cmpl-{secrets.token_hex(12)}", int(time.time())
        self._model = answering.model(ctx, requests[0])
        self._checkpoint: str | None = None
        self._offsets = [len(request.prompt) for request in requests]
        self._prompt_tokens = self._tokens = 0

    async def whole(self) -> dict[str, Any]:
        """The answer in one piece."""
        texts = [request.prompt if self._echo else "" for request in self._requests]
        found: dict[int, dict[str, Any]] = {}
        async with aclosing(choices.generate(self._ctx, self._requests)) as pieces:
            async for index, delta in pieces:
                texts[index] += delta.text
                found[index] = self._choice(index, delta, texts[index])
        return {**self._packet([found[index] for index in sorted(found)]), "usage": self._used()}

    async def pieces(self) -> AsyncGenerator[dict[str, Any], None]:
        """The answer as it comes."""
        before = [request.prompt if self._echo else "" for request in self._requests]
        async with aclosing(choices.generate(self._ctx, self._requests)) as pieces:
            async for index, delta in pieces:
                yield self._packet([self._choice(index, delta, before[index] + delta.text)])
                before[index] = ""
        if self._usage:
            yield {**self._packet([]), "usage": self._used()}

    def _packet(self, choices: list[dict[str, Any]]) -> dict[str, Any]:
        return {
            "id": self._id,
            "object": "text_completion",
            "created": self._created,
            "model": named(self._model, self._checkpoint),
            "checkpoint": self._checkpoint,
            "choices": choices,
            "caps_version": self._ctx.hosts.caps_version,
        }

    def _choice(self, index: int, delta: Delta, text: str) -> dict[str, Any]:
        """One choice or a piece of it; a finished one is counted, its prompt once however many choices it has."""
        self._checkpoint = delta.checkpoint
        if delta.finish_reason:
            self._tokens += delta.tokens
            self._prompt_tokens += 0 if index % self._count else delta.prompt_tokens
        logprobs = None
        if self._requests[index].logprobs is not None:
            logprobs = _logprobs(delta.logprobs, self._offsets[index])
            self._offsets[index] += sum(len(one.token) for one in delta.logprobs)
        return {"index": index, "text": text, "logprobs": logprobs, "finish_reason": delta.finish_reason}

    def _used(self) -> dict[str, int]:
        """Tokens of all finished choices."""
        return tokens_used(self._prompt_tokens, self._tokens)


def _logprobs(tokens: Sequence[TokenLogprob], start: int) -> dict[str, list[Any]]:
    """OpenAI's four lists side by side; offsets are characters from the prompt's first."""
    offsets, at = [], start
    for one in tokens:
        offsets.append(at)
        at += len(one.token)
    return {
        "tokens": [one.token for one in tokens],
        "token_logprobs": [one.logprob for one in tokens],
        "top_logprobs": [dict(one.top) for one in tokens],
        "text_offset": offsets,
    }
