"""Speaks to a server elsewhere, within limits of time and size: whatever it does, the engine goes on.

Redirects are not followed, since the key is for this server alone, and what is packed is refused: it could be a bomb.
"""

import asyncio
from collections.abc import AsyncGenerator, AsyncIterator
from contextlib import asynccontextmanager
from typing import Any
from urllib.parse import urlsplit

import httpx
import msgspec

from backend.context import Context
from backend.errors import BadRequest, Elsewhere, Overloaded, RefactError
from backend.serve.upstreams import Found, Upstream, key, near

SILENCE = httpx.Timeout(60.0, connect=10.0)
"""Seconds without a byte."""
LONGEST_S = 600.0
"""Of a whole answer, however many bytes come meanwhile."""
LISTING_S = 5.0
MOST_BYTES = 32 * 1024 * 1024
"""Of a whole answer."""
MOST_LINE = 1024 * 1024
"""Bytes of one server-sent event."""
MOST_ERROR = 64 * 1024
MOST_MODELS = 500
SAID = 500
"""Characters of a server's own words that are passed on."""


class _Named(msgspec.Struct, frozen=True):
    id: str


class _Models(msgspec.Struct, frozen=True):
    data: list[_Named]


async def list_models(ctx: Context, server: Upstream) -> list[str]:
    """The names that a server gives. Raises RefactError in words."""
    async with (
        _words(server.url, ""),
        asyncio.timeout(LISTING_S),
        _asked(ctx, server, "GET", "models", None) as answer,
    ):
        found = msgspec.json.decode(await _whole(answer), type=_Models)
    return [one.id for one in found.data if one.id.isprintable()][:MOST_MODELS]


async def ask(ctx: Context, found: Found, route: str, body: dict[str, Any]) -> dict[str, Any]:
    """The answer in one piece. Raises Elsewhere, BadRequest or Overloaded in words."""
    token = key(ctx, found.server)
    async with (
        _words(found.upstream, token),
        asyncio.timeout(LONGEST_S),
        _asked(ctx, found.server, "POST", route, body) as answer,
    ):
        return msgspec.json.decode(_clean(await _whole(answer), token), type=dict[str, Any])


async def stream(ctx: Context, found: Found, route: str, body: dict[str, Any]) -> AsyncGenerator[dict[str, Any], None]:
    """The answer's events as they come, until the server says that it is done; leaving early hangs up on it.

    Raises what `ask` raises, and Elsewhere for a stream that ends before its end."""
    token = key(ctx, found.server)
    async with _words(found.upstream, token):
        # The time is looked at with each event: a timeout's scope may not be left and entered again between them.
        deadline = asyncio.get_running_loop().time() + LONGEST_S
        async with _asked(ctx, found.server, "POST", route, body) as answer:
            kind = answer.headers.get("content-type", "")
            if not kind.startswith("text/event-stream"):
                raise Elsewhere(f"{found.upstream} was asked for a stream and sent {kind[:50] or 'something else'}.")
            async for line in _lines(answer, deadline):
                data = line.removeprefix(b"data:").strip() if line.startswith(b"data:") else b""
                if data == b"[DONE]":
                    return
                if data:
                    yield msgspec.json.decode(_clean(data, token), type=dict[str, Any])
    raise Elsewhere(f"{found.upstream} ended its answer before the end.", "Ask again.")


@asynccontextmanager
async def _asked(
    ctx: Context, server: Upstream, method: str, route: str, body: dict[str, Any] | None
) -> AsyncIterator[httpx.Response]:
    """One request under way whose status is good. Raises in words for one that is not."""
    headers = {"User-Agent": "refact-tui", "Accept-Encoding": "identity"}
    token = key(ctx, server)
    if token:
        headers["Authorization"] = f"Bearer {token}"
    host = urlsplit(server.url).hostname or ""
    url = f"{server.url.rstrip('/')}/{route}"
    async with (
        httpx.AsyncClient(headers=headers, timeout=SILENCE, follow_redirects=False, trust_env=not near(host)) as http,
        http.stream(method, url, json=body) as answer,
    ):
        if answer.headers.get("content-encoding", "identity") != "identity":
            raise Elsewhere(f"{host} sent a packed answer though none was asked for.")
        if answer.status_code != 200:
            raise _refused(host, answer, await _begun(answer), token)
        yield answer


def _clean(body: bytes, token: str) -> bytes:
    """The body without the key, should the server have put it there."""
    return body.replace(token.encode(), b"...") if token else body


async def _whole(answer: httpx.Response) -> bytes:
    body = bytearray()
    async for chunk in answer.aiter_raw():
        body += chunk
        if len(body) > MOST_BYTES:
            raise Elsewhere(f"The other server's answer is larger than {MOST_BYTES // 1024} KiB.")
    return bytes(body)


async def _begun(answer: httpx.Response) -> bytes:
    """The beginning of a refusal; what a server says beyond it, or how it breaks off, changes nothing."""
    body = bytearray()
    try:
        async with asyncio.timeout(LISTING_S):
            async for chunk in answer.aiter_raw():
                body += chunk
                if len(body) > MOST_ERROR:
                    break
    except (httpx.HTTPError, TimeoutError):
        pass
    return bytes(body[:MOST_ERROR])


async def _lines(answer: httpx.Response, deadline: float) -> AsyncGenerator[bytes, None]:
    """The stream's lines. Raises Elsewhere for one without end, for too many bytes, and when time is up."""
    held, total, clock = b"", 0, asyncio.get_running_loop()
    async for chunk in answer.aiter_raw():
        total += len(chunk)
        *lines, held = (held + chunk).split(b"\n")
        for line in lines:
            yield line
        if total > MOST_BYTES or len(held) > MOST_LINE:
            raise Elsewhere("The other server sends without end.")
        if clock.time() > deadline:
            raise Elsewhere(f"The other server's answer takes longer than {LONGEST_S:.0f} s.")
    if held:
        yield held


@asynccontextmanager
async def _words(name: str, token: str) -> AsyncIterator[None]:
    """Whatever goes wrong, as one of our errors; the key is in none of them."""
    try:
        yield
    except (httpx.TimeoutException, TimeoutError) as error:
        raise Elsewhere(f"{name} does not answer in time.", "Try again, or look at it.") from error
    except httpx.HTTPError as error:
        said = str(error).replace(token, "…") if token else str(error)
        raise Elsewhere(f"{name} cannot be reached: {said or type(error).__name__}.", "Look at its address.") from error
    except (httpx.InvalidURL, msgspec.MsgspecError, UnicodeDecodeError, RecursionError) as error:
        raise Elsewhere(f"{name} sends what cannot be understood.", "Is it a server of OpenAI's form?") from error


def _refused(host: str, answer: httpx.Response, body: bytes, token: str) -> RefactError:
    """A server's refusal, in words that are true here: its quarrel with our key is not the client's."""
    said = said_in(body)
    if token:
        said = said.replace(token, "…")
    status = answer.status_code
    if status in (401, 403):
        return Elsewhere(f"{host} does not take the key that is kept for it.", "Renew it: `credentials set`.")
    if status == 429 or status == 503:
        return Overloaded(f"{host} is busy: {said}", "Try again in a moment.")
    if 400 <= status < 500:
        return BadRequest(f"{host} refuses this: {said}")
    return Elsewhere(f"{host} failed with status {status}: {said}", "Try again, or look at it.")


def said_in(body: bytes) -> str:
    """The words in a server's refusal, short and printable."""
    text = body.decode("utf-8", "replace")
    try:
        told = msgspec.json.decode(body)
        told = told.get("error", told) if isinstance(told, dict) else told
        told = told.get("message", told.get("detail", told)) if isinstance(told, dict) else told
        text = told if isinstance(told, str) else text
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError):
        pass
    return "".join(letter if letter.isprintable() else " " for letter in text[:SAID]).strip() or "no words"
