"""What all public dialects share: bodies, errors that Refact's and OpenAI's clients both read, noticing a hang-up."""

import asyncio
import logging
from collections.abc import AsyncGenerator, Awaitable
from contextlib import aclosing
from typing import Any, TypeVar

import msgspec
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response, StreamingResponse
from starlette.types import Receive, Scope, Send

from backend.errors import BadRequest, Overloaded, RefactError, TooLarge

T = TypeVar("T")
log = logging.getLogger("refact.public")
BODY_LIMIT = 2 * 1024 * 1024
"""Bytes of one request."""
GONE = 499
OLLAMA = "/api/"


class JsonResponse(Response):
    """Any msgspec-encodable value as JSON."""

    media_type = "application/json"

    def render(self, content: Any) -> bytes:
        return msgspec.json.encode(content)


class PieceStream(StreamingResponse):
    """Server-sent events, or lines, whose source is closed as soon as the client is gone."""

    def __init__(self, pieces: AsyncGenerator[bytes, None], media_type: str) -> None:
        headers = {"Cache-Control": "no-cache", "X-Accel-Buffering": "no"}
        super().__init__(pieces, media_type=media_type, headers=headers)
        self._pieces = pieces

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        async with aclosing(self._pieces):
            await super().__call__(scope, receive, send)


def event(value: Any) -> bytes:
    """One server-sent message."""
    return b"data: " + msgspec.json.encode(value) + b"\n\n"


async def read_body(request: Request) -> bytes:
    """The whole body, whatever its Content-Type says. Raises TooLarge past BODY_LIMIT without reading on."""
    sorry = TooLarge(f"The request is larger than {BODY_LIMIT // 1024} KiB.", "Send only the text around the cursor.")
    if int(request.headers.get("content-length") or 0) > BODY_LIMIT:
        raise sorry
    body = bytearray()
    async for chunk in request.stream():
        body += chunk
        if len(body) > BODY_LIMIT:
            raise sorry
    return bytes(body)


def decode_body(body: bytes, kind: type[T]) -> T:
    """The body as a struct; unknown fields are ignored. Raises BadRequest in words for wrong types and no JSON."""
    try:
        return msgspec.json.decode(body or b"{}", type=kind)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        raise BadRequest(f"The request cannot be understood: {error}.") from error


async def unless_gone(request: Request, work: Awaitable[T]) -> T | None:
    """What `work` returns; None when the client hung up before, in which case `work` was cancelled at once."""
    task = asyncio.create_task(_finish(work))
    watch = asyncio.create_task(_gone(request))
    try:
        await asyncio.wait({task, watch}, return_when=asyncio.FIRST_COMPLETED)
        return await task if task.done() else None
    finally:
        for one in (task, watch):
            one.cancel()
        await asyncio.gather(task, watch, return_exceptions=True)


async def _finish(work: Awaitable[T]) -> T:
    return await work


async def _gone(request: Request) -> None:
    while (await request.receive())["type"] != "http.disconnect":
        pass


def error_body(status: int, message: str, code: str) -> dict[str, Any]:
    """`detail` must be a string for Refact's plug-ins; `error` is what OpenAI's clients read."""
    kind = "invalid_request_error" if status < 500 else "server_error"
    return {"detail": message, "error": {"message": message, "type": kind, "code": code, "param": None}}


def refusal(path: str, status: int, message: str, code: str) -> dict[str, Any]:
    """An error as the clients of a path read it: Ollama's want the sentence itself under `error`."""
    return {"error": message} if path.startswith(OLLAMA) else error_body(status, message, code)


async def refuse(request: Request, error: Exception) -> Response:
    """Our own errors as answers. A name that is not known is 400, since plug-ins read only 200 and 400 as JSON.

    Ollama's clients want 404 for it."""
    assert isinstance(error, RefactError)
    path = request.url.path
    status = 400 if error.status == 404 and not path.startswith(OLLAMA) else error.status
    headers = {"Retry-After": str(getattr(error, "retry_after_s", 1))} if status == 503 else None
    message = f"{error.message} {error.hint}".strip()
    if not isinstance(error, Overloaded) and status >= 500:
        log.warning("%s %s: %s", request.method, path, message)
    return JsonResponse(refusal(path, status, message, error.code), status, headers)


async def refuse_http(request: Request, error: Exception) -> Response:
    """Unknown paths and methods, in the same shape."""
    assert isinstance(error, HTTPException)
    message = f"{error.detail}: {request.method} {request.url.path}"
    body = refusal(request.url.path, error.status_code, message, "not_found")
    return JsonResponse(body, error.status_code, error.headers)


async def refuse_unexpected(request: Request, error: Exception) -> Response:
    """A fault of ours: the log has the details, the client a sentence."""
    log.error("%s %s failed", request.method, request.url.path, exc_info=error)
    return JsonResponse(refusal(request.url.path, 500, "The server failed; its log says why.", "failed"), 500)
