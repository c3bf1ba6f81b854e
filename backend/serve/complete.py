"""One completion for the shell and the TUI, with its times."""

import time
from contextlib import aclosing

from backend import wire
from backend.context import Context
from backend.errors import BadRequest
from backend.serve.request import CompletionRequest, split_model
from backend.train.places import similarity


async def complete(ctx: Context, request: wire.Complete) -> wire.Completion:
    """Continue `prefix`, or fill in before `suffix`; times are milliseconds from here.

    Raises BadRequest, NotFound for an unknown model or checkpoint, Overloaded, NotReady."""
    if request.max_tokens < 1 or not 0 <= request.temperature <= 4 or not 0 <= request.top_p <= 1:
        raise BadRequest("max_tokens must be at least 1, temperature lie within 0 and 4, top_p within 0 and 1.")
    model, choice = split_model(request.model or "")
    asked = CompletionRequest(
        prompt=request.prefix,
        suffix=request.suffix or None,
        max_tokens=request.max_tokens,
        stop=tuple(request.stop),
        temperature=request.temperature,
        top_p=request.top_p,
        stream=True,
        model=model,
        choice=choice,
    )
    began = time.perf_counter()
    first, text = 0.0, ""
    async with aclosing(ctx.hosts.generate(asked)) as pieces:
        async for delta in pieces:
            first = first or time.perf_counter()
            text += delta.text
    answered, wanted = text.rstrip(), (request.wanted or "").rstrip()
    return wire.Completion(
        text=text,
        model=ctx.hosts.host(model).model,
        checkpoint=delta.checkpoint,
        tokens=delta.tokens,
        first_token_ms=round((first - began) * 1000, 1),
        total_ms=round((time.perf_counter() - began) * 1000, 1),
        finish_reason=delta.finish_reason or "stop",
        exact=answered == wanted if wanted else None,
        similarity=round(similarity(answered, wanted), 4) if wanted else None,
    )
