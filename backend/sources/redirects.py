"""Where a git server's address leads: redirects are followed here, by rules of ours, and never by git itself."""

import asyncio
import os
import ssl
from urllib.parse import urlsplit

import httpcore

from backend.errors import BadRequest, RefactError
from backend.sources.link import AGENT, MOST_REDIRECTS, REDIRECTS, OpenInternet, led_to
from backend.sources.members import safe_text

ASKED = "/info/refs?service=git-upload-pack"
"""What git asks for first; a server redirects there or not at all."""
LONGEST_S = 20.0


async def settle(url: str, allow_private: bool, has_token: bool) -> str:
    """`url`, or the https address that its server redirects to; whatever else goes wrong is left for git to tell.

    Raises BadRequest where it leads into this network, away from https, or with a token to another server."""
    at = url.rstrip("/") + ASKED
    for _ in range(MOST_REDIRECTS):
        # The server that was named may be one of this network; those that a stranger names may not.
        named = _server(at) == _server(url)
        if (to := await _redirect(at, allow_private or named)) is None:
            return url if at == url.rstrip("/") + ASKED else at.removesuffix(ASKED)
        shown = safe_text(to.removesuffix(ASKED))[:200]
        if urlsplit(to).scheme != "https" or not to.endswith(ASKED):
            raise BadRequest(f"It redirects to {shown}, which is no git repository by https.", "Add another address.")
        if has_token and _server(to) != _server(url):
            raise BadRequest(
                f"It redirects to another server, {shown}, and the token is sent to none but the one you named.",
                "If you trust that one, add its address.",
            )
        at = to
    raise RefactError(f"It redirects more than {MOST_REDIRECTS} times.", "Add the address that it ends at.")


def _server(url: str) -> str:
    return urlsplit(url).netloc.rpartition("@")[2].lower().removesuffix(":443")


async def _redirect(url: str, allow_private: bool) -> str | None:
    """What the server redirects to; None where it does not, or does not answer."""
    tls = ssl.create_default_context()
    headers = [(b"Host", _server(url).encode()), (b"User-Agent", b"git/2 " + AGENT)]
    try:
        async with asyncio.timeout(LONGEST_S):
            if own := os.environ.get("GIT_SSL_CAINFO"):
                await asyncio.to_thread(tls.load_verify_locations, own)
            async with (
                httpcore.AsyncConnectionPool(ssl_context=tls, network_backend=OpenInternet(allow_private)) as pool,
                pool.stream("GET", url, headers=headers) as answer,
            ):
                told = {name.lower(): value for name, value in answer.headers}
                if answer.status not in REDIRECTS or b"location" not in told:
                    return None
                return led_to(url, told[b"location"])
    except (
        TimeoutError,
        OSError,
        ValueError,
        httpcore.NetworkError,
        httpcore.TimeoutException,
        httpcore.ProtocolError,
    ):
        return None
