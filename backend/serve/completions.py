"""The one `/v1/completions` of three dialects: Tabby's bodies have `segments`, OpenAI's and Refact's a `prompt`."""

import msgspec
from starlette.requests import Request
from starlette.responses import Response

from backend.serve import openai, tabby
from backend.serve.answers import decode_body, read_body


class Kind(msgspec.Struct, frozen=True):
    """What tells the dialects apart."""

    segments: msgspec.Raw = msgspec.Raw(b"null")


async def completions(request: Request) -> Response:
    """POST /v1/completions"""
    body = await read_body(request)
    if bytes(decode_body(body, Kind).segments) == b"null":
        return await openai.complete(request, body)
    return await tabby.complete(request, body)
