"""llama.cpp's own routes `/infill`, `/completion` and `/props`, as llama.vim and llama.vscode speak them.

Its clients look for `"content":"` without a space: answers are compact JSON."""

import time
from collections.abc import AsyncGenerator
from contextlib import aclosing
from typing import Any

import msgspec
from starlette.requests import Request
from starlette.responses import Response

from backend import __version__
from backend.context import Context
from backend.errors import BadRequest
from backend.models.catalog import get
from backend.serve import answering, reply
from backend.serve.answers import JsonResponse, decode_body, read_body
from backend.serve.fields import MOST_TOKENS, Sampled, sampling, seed_of, within
from backend.serve.lines import Lines
from backend.serve.request import CompletionRequest, Delta, named, split_model


class Extra(msgspec.Struct, frozen=True):
    """A piece of another file."""

    text: str
    filename: str = ""


class Body(Sampled, frozen=True, kw_only=True):
    """What is read of the request; everything else is accepted and ignored."""

    prompt: str | list[str] = ""
    input_prefix: str | None = None
    input_suffix: str | None = None
    input_extra: list[Extra] | None = None
    n_predict: int | None = None
    t_max_predict_ms: int | None = None
    n_indent: int | None = None
    stream: bool | None = None
    response_fields: list[str] | None = None
    model: str | None = None


def understand(body: Body, infill: bool) -> CompletionRequest:
    """The body as a completion request: the prompt stands between prefix and cursor, pieces of other files before both.

    Raises BadRequest in words for values out of range."""
    prompt = body.prompt if isinstance(body.prompt, str) else "".join(body.prompt)
    if infill and body.input_prefix is None and body.input_suffix is None:
        raise BadRequest("`input_prefix` or `input_suffix` is needed.", "Ask /completion to go on with a text.")
    model, choice = split_model(body.model or "")
    tokens = -1 if body.n_predict is None else body.n_predict
    seed = None if body.seed is None or body.seed < 0 else body.seed
    extra = "".join(f"{one.text.rstrip()}\n" for one in body.input_extra or ()) if infill else ""
    return CompletionRequest(
        prompt=extra + (body.input_prefix or "") + prompt if infill else prompt,
        suffix=(body.input_suffix or None) if infill else None,
        # Nothing predicted still has to be read: that is what warms a client's prompt up.
        max_tokens=MOST_TOKENS if tokens < 0 else max(within("n_predict", tokens, 0, MOST_TOKENS, 0), 1),
        **sampling(body),
        seed=seed_of(seed),
        stream=True,
        model=model,
        choice=choice,
    )


class Answer:
    """One answer in llama.cpp's shape, ended by time or indentation where the client wants that."""

    def __init__(self, ctx: Context, body: Body, asked: CompletionRequest) -> None:
        self._ctx, self._body, self._asked = ctx, body, asked
        self._model = answering.model(ctx, asked)
        self._lines = Lines(body.n_indent or 0)
        self._began = time.monotonic()
        self._first: float | None = None

    async def whole(self) -> dict[str, Any]:
        """The answer in one piece, with the fields that were asked for."""
        text, last = "", {}
        async with aclosing(self.pieces()) as pieces:
            async for piece in pieces:
                text, last = text + piece["content"], piece
        answer = {**last, "content": text}
        if not self._body.response_fields:
            return answer
        return {name: found for name in self._body.response_fields if (found := _field(answer, name)) is not None}

    async def pieces(self) -> AsyncGenerator[dict[str, Any], None]:
        """The answer as it comes; the last piece has `stop`, why, and the times."""
        silent = self._body.n_predict == 0
        async with aclosing(answering.generate(self._ctx, self._asked)) as pieces:
            async for delta in pieces:
                self._first = self._first or time.monotonic()
                text = "" if silent else self._lines.feed(delta.text)
                ended = "" if silent else self._lines.finish() if delta.finish_reason else ""
                if delta.finish_reason or self._lines.stopped or self._late():
                    yield self._last(text + ended, delta)
                    return
                if text:
                    yield self._piece(text, delta, False)

    def _late(self) -> bool:
        """Whether time is up: counted from the first token, and only once there is a whole line."""
        limit = self._body.t_max_predict_ms
        spent = (time.monotonic() - (self._first or self._began)) * 1000
        return bool(limit and limit > 0 and spent > limit and self._lines.seen_end)

    def _piece(self, text: str, delta: Delta, stop: bool) -> dict[str, Any]:
        return {
            "index": 0,
            "content": text,
            "tokens": [],
            "id_slot": -1,
            "stop": stop,
            "model": named(self._model, delta.checkpoint),
            "tokens_predicted": 0 if self._body.n_predict == 0 else delta.tokens,
            "tokens_evaluated": delta.prompt_tokens,
        }

    def _last(self, text: str, delta: Delta) -> dict[str, Any]:
        asked, tokens = self._asked, 0 if self._body.n_predict == 0 else delta.tokens
        first, now = self._first or self._began, time.monotonic()
        prompt_ms, predicted_ms = (first - self._began) * 1000, (now - first) * 1000
        context = answering.context(self._ctx, asked)
        kind = "word" if delta.stop_text else "eos" if delta.finish_reason == "stop" else "limit"
        return {
            **self._piece(text, delta, True),
            "prompt": asked.prompt,
            "has_new_line": self._lines.seen_end,
            "truncated": delta.cut,
            "stop_type": kind,
            "stopping_word": delta.stop_text,
            "tokens_cached": delta.prompt_tokens + tokens,
            "generation_settings": {
                "n_ctx": context,
                "n_predict": asked.max_tokens,
                "temperature": asked.temperature,
                "top_p": asked.top_p,
                "seed": asked.seed,
                "stop": list(asked.stop),
            },
            "timings": {
                "prompt_n": delta.prompt_tokens,
                "prompt_ms": prompt_ms,
                "prompt_per_second": _rate(delta.prompt_tokens, prompt_ms),
                "predicted_n": tokens,
                "predicted_ms": predicted_ms,
                "predicted_per_token_ms": predicted_ms / tokens if tokens else 0.0,
                "predicted_per_second": _rate(tokens, predicted_ms),
            },
        }


def _rate(count: int, ms: float) -> float:
    return count / ms * 1000 if ms > 0 else 0.0


def _field(answer: dict[str, Any], name: str) -> Any:
    """A field by its name, or by its path with slashes; None for one that is not there."""
    found: Any = answer
    for part in name.split("/"):
        found = found.get(part) if isinstance(found, dict) else None
    return found


async def infill(request: Request) -> Response:
    """POST /infill"""
    return await _answer(request, True)


async def completion(request: Request) -> Response:
    """POST /completion"""
    return await _answer(request, False)


async def _answer(request: Request, infill: bool) -> Response:
    body = decode_body(await read_body(request), Body)
    answer = Answer(request.app.state.ctx, body, understand(body, infill))
    return await (reply.events(request, answer.pieces(), b"") if body.stream else reply.whole(request, answer.whole()))


async def props(request: Request) -> Response:
    """GET /props: the default model."""
    ctx: Context = request.app.state.ctx
    model = ctx.hosts.models()[0]
    info = get(ctx, model)
    settings = {"n_ctx": info.context, "params": {"temperature": 0.2, "top_p": 1.0, "n_predict": -1}}
    return JsonResponse(
        {
            "default_generation_settings": settings,
            "model_alias": model,
            "model_path": model,
            "bos_token": info.bos,
            "eos_token": info.eot,
            "build_info": f"refact-tui-{__version__}",
        }
    )
