"""The gate before every dialect: whose request it is, whether it may pass, and how much is let in at once.

This box itself is served without a key. Whoever else asks needs one, and so does a web page that has found its way
to this box's browser: it would come from a loopback address too, but names another host."""

import ipaddress
import logging
import time
from contextlib import ExitStack
from urllib.parse import urlsplit

from starlette.datastructures import Headers
from starlette.types import ASGIApp, Receive, Scope, Send

from backend.context import Context
from backend.errors import Overloaded, RefactError, TooMany, Unauthorised
from backend.serve.admission import Room, before_the_end, patient
from backend.serve.answers import JsonResponse, refusal
from backend.serve.keys import PREFIX, Key, asking

PUBLIC = ("/tokenizer/",)
"""Plug-ins ask for these without the key that they have."""
HEALTH = "/health"
UNCOUNTED = ("/stats/", "/v1/events", "/v1/health", "/api/show")
"""What makes no model work, though it is posted, is not held against any limit."""
FORWARDED = ("forwarded", "x-forwarded-for", "x-forwarded-host", "x-real-ip", "via")
TELL_EVERY_S, MOST_TOLD = 600.0, 1000
log = logging.getLogger("refact.gate")
NEEDED = "An API key is needed here, sent as `Authorization: Bearer KEY`."
MAKE = "Whoever runs this server makes one: refact-tui keys create NAME"


class Gate:
    """A middleware; the name of the key stands in `keys.asking` while a request is answered."""

    def __init__(self, app: ASGIApp, ctx: Context) -> None:
        self._app, self._ctx = app, ctx
        self._room = Room()
        self._told: dict[str, float] = {}

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        try:
            key = self._whose(scope)
            if key:
                asking.set(key.name)
                self._ctx.hosts.keys.touch(key)
            if not counts(scope):
                await self._app(scope, patient(receive), send)
                return
            with ExitStack() as places:
                places.enter_context(self._room.one_more())
                if key:
                    places.enter_context(key.one_more())
                await self._app(scope, patient(receive), before_the_end(send, places.close))
        except (Unauthorised, TooMany, Overloaded) as error:
            if isinstance(error, Unauthorised):
                self._tell(scope)
            else:
                self._ctx.hosts.statistics.turned_away(asking.get())
            await self._refuse(error, scope, receive, send)

    def _whose(self, scope: Scope) -> Key | None:
        """The key that came with a request; None where none is needed. Raises Unauthorised."""
        headers = Headers(scope=scope)
        secret = key_of(headers)
        key: Key | None = self._ctx.hosts.keys.find(secret) if secret else None
        if key or scope["path"].startswith(PUBLIC):
            return key
        if secret.startswith(PREFIX):
            raise Unauthorised("This API key is not known here: it was revoked, or is another server's.", MAKE)
        if from_here(scope, headers) and not self._ctx.hosts.keys.demanded:
            return None  # clients insist on sending some key: any will do
        raise Unauthorised(NEEDED if not secret else "This API key is not known here.", MAKE)

    def _tell(self, scope: Scope) -> None:
        """Say in the log who was refused for want of a key, each address now and then."""
        address, clock = (scope.get("client") or ("somebody", 0))[0], time.monotonic()
        if scope["path"] == HEALTH or clock - self._told.get(address, -TELL_EVERY_S) < TELL_EVERY_S:
            return
        if len(self._told) >= MOST_TOLD:
            self._told.clear()
        self._told[address] = clock
        log.warning("%s asked for %r without an API key that is known here", address, scope["path"][:80])

    async def _refuse(self, error: RefactError, scope: Scope, receive: Receive, send: Send) -> None:
        if error.status == 401 and scope["path"] == HEALTH:  # for those who watch over containers, and no more
            ready = self._ctx.hosts.snapshot()[0].state
            await JsonResponse({"status": "ok" if ready == "ready" else ready})(scope, receive, send)
            return
        headers = {"WWW-Authenticate": "Bearer"} if error.status == 401 else {}
        if isinstance(error, TooMany | Overloaded):
            headers["Retry-After"] = str(error.retry_after_s)
        message = f"{error.message} {error.hint}".strip()
        body = refusal(scope["path"], error.status, message, error.code)
        await JsonResponse(body, error.status, headers)(scope, receive, send)


def key_of(headers: Headers) -> str:
    """The key as clients send it: Bearer almost everywhere, x-api-key and api-key here and there."""
    scheme, _, value = headers.get("authorization", "").partition(" ")
    if scheme.lower() == "bearer" and value.strip():
        return value.strip()
    return headers.get("x-api-key", "") or headers.get("api-key", "")


def counts(scope: Scope) -> bool:
    """Whether a request is held against the limits of its key: those that make the model work."""
    return scope["method"] == "POST" and not scope["path"].startswith(UNCOUNTED)


def from_here(scope: Scope, headers: Headers) -> bool:
    """Whether this box itself asks: over a loopback address, for no one else, and by a name of this box's own."""
    peer = scope.get("client")
    if peer is None or not is_loopback(peer[0]) or any(name in headers for name in FORWARDED):
        return False
    origin = headers.get("origin", "")
    asked = [f"//{headers['host']}"] if "host" in headers else []
    # Editors' own pages have addresses of their own making; `null` is a page that hides where it is from.
    return origin != "null" and all(_own(one) for one in [*asked, *([origin] if origin.startswith("http") else [])])


def _own(address: str) -> bool:
    """No web page can be at a name without a dot, nor at an address of this box."""
    try:
        name = urlsplit(address).hostname or ""
    except ValueError:
        return False
    return "." not in name.removesuffix(".localhost") or is_loopback(name)


def is_loopback(address: str) -> bool:
    """Whether an address is this box's own; also one that is written as an IPv6 address."""
    try:
        found = ipaddress.ip_address(address.split("%")[0])
    except ValueError:
        return address == "localhost"
    mapped = found.ipv4_mapped if isinstance(found, ipaddress.IPv6Address) else None
    return (mapped or found).is_loopback
