"""Fetches a file by https into the state home: from the open internet only, within limits, redirects included."""

import asyncio
import ipaddress
import socket
import ssl
from collections.abc import AsyncIterator, Callable, Iterable
from pathlib import Path
from typing import Any
from urllib.parse import quote, urljoin, urlsplit

import httpcore

from backend.errors import BadRequest, RefactError, TooLarge
from backend.sources.members import MOST_BYTES, safe_text

MOST_REDIRECTS = 5
CONNECT_S, SILENCE_S, LONGEST_S = 20.0, 60.0, 2 * 3600.0
REDIRECTS = {301, 302, 303, 307, 308}
AGENT = b"refact-tui"
Tell = Callable[[int, int], None]
"""Bytes that came, and bytes in all (0 where the server does not say)."""


class OpenInternet(httpcore.AsyncNetworkBackend):
    """Connects to addresses that were looked at first, so that no name can point into this network."""

    def __init__(self, allow_private: bool) -> None:
        self._inner = httpcore.AnyIOBackend()
        self._allow_private = allow_private

    async def connect_tcp(
        self,
        host: str,
        port: int,
        timeout: float | None = None,
        local_address: str | None = None,
        socket_options: Iterable[Any] | None = None,
    ) -> httpcore.AsyncNetworkStream:
        """Raises BadRequest for a private address, httpcore's errors where nobody answers."""
        try:
            found = await asyncio.get_running_loop().getaddrinfo(host, port, type=socket.SOCK_STREAM)
        except OSError as error:
            raise httpcore.ConnectError(f"{host} cannot be found: {error.strerror or error}") from error
        addresses = [str(address[0]) for *_, address in found]
        if not self._allow_private and not all(ipaddress.ip_address(one).is_global for one in addresses):
            raise BadRequest(
                f"{safe_text(host)} is an address of this network ({addresses[0]}), and those are not fetched from.",
                "Download the file yourself and add it, or set sources.allow_private.",
            )
        return await self._inner.connect_tcp(addresses[0], port, timeout, local_address, socket_options)


async def download(url: str, path: Path, allow_private: bool, tell: Tell) -> None:
    """Bring what is at `url` to `path`, whole or not at all.

    Raises BadRequest for an address that is not allowed, TooLarge past the limit, RefactError with what went wrong."""
    part = path.with_name(path.name + ".part")
    await asyncio.to_thread(path.parent.mkdir, parents=True, exist_ok=True, mode=0o700)
    try:
        async with asyncio.timeout(LONGEST_S), _pool(allow_private) as pool:
            await _follow(pool, url, part, tell)
        part.replace(path)
    except TimeoutError as error:
        raise RefactError(
            f"It took longer than {LONGEST_S / 3600:.0f} hours.", "Download it and add the file."
        ) from error
    except (
        httpcore.NetworkError,
        httpcore.TimeoutException,
        httpcore.ProtocolError,
        ssl.SSLError,
        ValueError,
    ) as error:
        told = safe_text(str(error)) or type(error).__name__
        raise RefactError(f"{_host(url)} did not answer as it should: {told}.", "Check the link, then sync.") from error
    finally:
        part.unlink(missing_ok=True)


def _pool(allow_private: bool) -> httpcore.AsyncConnectionPool:
    return httpcore.AsyncConnectionPool(
        ssl_context=ssl.create_default_context(), network_backend=OpenInternet(allow_private), retries=0
    )


async def _follow(pool: httpcore.AsyncConnectionPool, url: str, part: Path, tell: Tell) -> None:
    timeouts = {"connect": CONNECT_S, "read": SILENCE_S, "write": SILENCE_S, "pool": CONNECT_S}
    for _ in range(MOST_REDIRECTS + 1):
        if urlsplit(url).scheme != "https":
            raise BadRequest(
                f"It leads to {safe_text(url)[:200]}, which is not https.", "Use a link that stays on https."
            )
        headers = [(b"Host", urlsplit(url).netloc.rpartition("@")[2].encode()), (b"User-Agent", AGENT)]
        async with pool.stream("GET", url, headers=headers, extensions={"timeout": timeouts}) as answer:
            told = {name.decode("latin-1").lower(): value.decode("latin-1") for name, value in answer.headers}
            if answer.status in REDIRECTS and "location" in told:
                url = led_to(url, told["location"].encode("latin-1"))
                continue
            if answer.status != 200:
                raise RefactError(f"{_host(url)} answered with status {answer.status}.", "Check the link, then sync.")
            await _keep(answer.aiter_stream(), part, int(told.get("content-length") or 0), tell)
            return
    raise RefactError(f"{_host(url)} redirects more than {MOST_REDIRECTS} times.", "Use the link it ends at.")


def led_to(url: str, location: bytes) -> str:
    """The address that a header of `url` names, all ASCII. Raises ValueError for one that is none."""
    return urljoin(url, quote(location, safe="%!#$&'()*+,/:;=?@[]~"))


async def _keep(pieces: AsyncIterator[bytes], part: Path, total: int, tell: Tell) -> None:
    sorry = TooLarge(f"It is larger than {MOST_BYTES // 1024**3} GiB.", "Add it in parts.")
    if total > MOST_BYTES:
        raise sorry
    size = 0
    with part.open("wb") as file:
        async for piece in pieces:
            size += len(piece)
            if size > MOST_BYTES:
                raise sorry
            await asyncio.to_thread(file.write, piece)
            tell(size, total)
    if total and size != total:
        raise RefactError("The connection ended too early.", "Sync the source to try again.")


def _host(url: str) -> str:
    return safe_text(urlsplit(url).hostname or url)[:100]
