"""Mistral's `/v1/fim/completions`, which Continue speaks: a prompt and a suffix in, pieces in a chat's shape out."""

from starlette.requests import Request
from starlette.responses import Response

from backend.serve import passthrough, reply
from backend.serve.answers import decode_body, read_body
from backend.serve.chat_answer import ChatAnswer
from backend.serve.fields import MOST_TOKENS, OpenAiForm, sampling, seed_of, within
from backend.serve.request import CompletionRequest, split_model
from backend.serve.upstreams import MISTRAL, find


class Body(OpenAiForm, frozen=True, kw_only=True):
    """What is read of the request; everything else is accepted and ignored."""

    prompt: str
    suffix: str | None = None
    random_seed: int | None = None


def understand(body: Body) -> CompletionRequest:
    """The body as a completion request. Raises BadRequest in words for values out of range."""
    model, choice = split_model(body.model or "")
    tokens = body.max_tokens if body.max_tokens is not None else body.max_completion_tokens
    return CompletionRequest(
        prompt=body.prompt,
        suffix=body.suffix or None,
        max_tokens=within("max_tokens", tokens, 1, MOST_TOKENS, 64),
        **sampling(body),
        seed=seed_of(body.seed if body.random_seed is None else body.random_seed),
        stream=bool(body.stream),
        model=model,
        choice=choice,
    )


async def completions(request: Request) -> Response:
    """POST /v1/fim/completions"""
    raw = await read_body(request)
    body = decode_body(raw, Body)
    found = find(request.app.state.ctx, body.model or "")
    if found and found.server.fim == MISTRAL:
        return await passthrough.answer(request, found, "fim/completions", raw)
    asked = understand(body)
    answer = ChatAnswer(request.app.state.ctx, [asked], "last")
    return await (reply.events(request, answer.pieces()) if asked.stream else reply.whole(request, answer.whole()))
