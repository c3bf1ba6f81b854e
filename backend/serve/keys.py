"""API keys: who may ask for completions and how much of it; a key is shown when it is made and never again."""

import hashlib
import hmac
import re
import secrets
import time
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass, field
from math import ceil
from typing import Any

from backend import settings, wire
from backend.context import Context
from backend.errors import BadRequest, Conflict, NotFound, TooMany
from backend.serve.limits import Bucket
from backend.store.database import now

PREFIX = "rt-"
"""How every key begins, so that one which was revoked is told from whatever a client sends in its place."""
SHOWN = 8
"""Characters of a key that are kept and shown."""
NAME = re.compile(r"(?![-.])[\w.-]{1,40}", re.ASCII)
MOST = 1_000_000
WRITE_EVERY_S = 60.0
DEMANDED = "serve.loopback_needs_key"
"""Setting: whether this box itself needs a key too."""
asking: ContextVar[str] = ContextVar("asking", default="")
"""Name of the key with which the request under way came; empty where it came without."""


@dataclass
class Key:
    """One key as the engine holds it."""

    name: str
    digest: bytes
    hint: str
    created: str
    last_used: str | None = None
    requests_per_minute: int | None = None
    concurrent: int | None = None
    under_way: int = 0
    bucket: Bucket | None = None
    written: float = field(default=-WRITE_EVERY_S)
    """Monotonic seconds when `last_used` was written."""
    touched: bool = False

    def __post_init__(self) -> None:
        if self.requests_per_minute:
            self.bucket = Bucket(self.requests_per_minute)

    @contextmanager
    def one_more(self) -> Iterator[None]:
        """A request under way. Raises TooMany where the key's limits forbid it, with the seconds to wait."""
        if self.concurrent is not None and self.under_way >= self.concurrent:
            raise TooMany(
                f"The key {self.name} may have {self.concurrent} requests under way at once, and has.",
                "Wait for one to end.",
            )
        if self.bucket and (wait := self.bucket.take()):
            raise TooMany(
                f"The key {self.name} may ask {self.requests_per_minute} times a minute, and has.",
                f"Try again in {ceil(wait)} s.",
                ceil(wait),
            )
        self.under_way += 1
        try:
            yield
        finally:
            self.under_way -= 1


class Keys:
    """All keys, held in memory: every request asks for its own."""

    def __init__(self, ctx: Context) -> None:
        self._ctx = ctx
        self._keys: dict[str, Key] = {}
        self.demanded = False
        """Whether this box itself needs a key too."""

    async def restore(self) -> None:
        """Read what was kept."""
        self.demanded = await settings.get(self._ctx.db, DEMANDED) == "yes"
        for row in await self._ctx.db.fetch_all("SELECT * FROM api_keys ORDER BY created, name"):
            self._keys[row["name"]] = Key(**dict(row))

    async def create(self, wanted: wire.NewApiKey) -> wire.MadeApiKey:
        """Make a key. Raises BadRequest for a name or a limit that is none, Conflict for a name that is taken."""
        if not NAME.fullmatch(wanted.name):
            raise BadRequest(f"{wanted.name!r} cannot be a key's name.", "Use up to 40 letters, digits, dots, dashes.")
        for limit in (wanted.requests_per_minute, wanted.concurrent):
            if limit is not None and not 1 <= limit <= MOST:
                raise BadRequest(f"A limit of {limit} is none.", f"Give a number from 1 to {MOST}, or no limit.")
        if wanted.name in self._keys:
            raise Conflict(f"There is a key called {wanted.name} already.", "Revoke it, or choose another name.")
        secret = PREFIX + secrets.token_urlsafe(32)
        key = Key(
            name=wanted.name,
            digest=digest(secret),
            hint=secret[:SHOWN],
            created=now(),
            requests_per_minute=wanted.requests_per_minute,
            concurrent=wanted.concurrent,
        )
        self._keys[key.name] = key
        await self._ctx.db.execute(
            "INSERT INTO api_keys(name, digest, hint, created, requests_per_minute, concurrent) "
            "VALUES (?, ?, ?, ?, ?, ?)",
            (key.name, key.digest, key.hint, key.created, key.requests_per_minute, key.concurrent),
        )
        self._publish()
        return wire.MadeApiKey(**_fields(key), key=secret)

    async def revoke(self, name: str) -> None:
        """Answer a key no longer; what is under way ends as it would have. Raises NotFound."""
        if name not in self._keys:
            known = ", ".join(self._keys) or "none yet"
            raise NotFound(f"There is no key called {name!r}.", f"Keys: {known}.")
        del self._keys[name]
        await self._ctx.db.execute("DELETE FROM api_keys WHERE name = ?", (name,))
        self._publish()

    def shown(self) -> list[wire.ApiKey]:
        """All of them, the oldest first; nothing of it is secret."""
        return [wire.ApiKey(**_fields(key)) for key in self._keys.values()]

    def find(self, secret: str) -> Key | None:
        """The key that this is, if it is one; how long that takes says nothing about how near it was."""
        wanted, found = digest(secret), None
        for key in self._keys.values():
            if hmac.compare_digest(key.digest, wanted):
                found = key
        return found

    def touch(self, key: Key) -> None:
        """It is used now."""
        key.last_used, key.touched = now(), True

    async def flush(self, late: bool = False) -> None:
        """Write when keys were used last, each at most once a minute, or whatever is left when it is late."""
        clock = time.monotonic()
        due = [key for key in self._keys.values() if key.touched and (late or clock - key.written >= WRITE_EVERY_S)]
        if not due:
            return
        for key in due:
            key.touched, key.written = False, clock
        rows = [(key.last_used, key.name) for key in due]
        await self._ctx.db.execute_many("UPDATE api_keys SET last_used = ? WHERE name = ?", rows)
        self._publish()

    def _publish(self) -> None:
        self._ctx.bus.publish("keys", {"keys": self.shown()})


def digest(secret: str) -> bytes:
    """What is kept of a key.

    Slow hashes are for what people choose. Of 256 random bits nothing can be guessed, however fast the hash; and this
    one is asked for with every keystroke of everyone."""
    return hashlib.sha256(secret.encode(errors="surrogateescape")).digest()


def _fields(key: Key) -> dict[str, Any]:
    names = ("name", "hint", "created", "last_used", "requests_per_minute", "concurrent")
    return {name: getattr(key, name) for name in names}
