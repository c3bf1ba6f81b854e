"""The one `/v1/completions` of three dialects: Tabby's bodies have `segments`, OpenAI's and Refact's a `prompt`; and
those of models elsewhere are passed on, as they are where that is understood there."""

import msgspec
from starlette.requests import Request
from starlette.responses import Response

from backend.serve import elsewhere, openai, passthrough, tabby
from backend.serve.answers import decode_body, read_body
from backend.serve.upstreams import find


class Kind(msgspec.Struct, frozen=True):
    """What tells the dialects apart."""

    segments: msgspec.Raw = msgspec.Raw(b"null")
    model: msgspec.Raw = msgspec.Raw(b"null")
    prompt: msgspec.Raw = msgspec.Raw(b"null")
    suffix: msgspec.Raw = msgspec.Raw(b"null")


def text(value: msgspec.Raw) -> str:
    """A text; empty for none, and for what each dialect refuses in its own words."""
    found = msgspec.json.decode(value)
    return found if isinstance(found, str) else ""


async def completions(request: Request) -> Response:
    """POST /v1/completions"""
    body = await read_body(request)
    kind = decode_body(body, Kind)
    if bytes(kind.segments) != b"null":
        return await tabby.complete(request, body)
    found = find(request.app.state.ctx, text(kind.model))
    if found and not elsewhere.translates(request.app.state.ctx, found, text(kind.prompt), text(kind.suffix)):
        return await passthrough.answer(request, found, "completions", body)
    return await openai.complete(request, body)
