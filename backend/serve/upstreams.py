"""Other servers of OpenAI's form that models are passed through from: `upstreams.toml` in the state home names them.

What is asked of such a model leaves this box, and every list says so. A key is a token among the credentials: it is
read when it is sent and told to nobody else."""

import asyncio
import ipaddress
import logging
import re
import time
import tomllib
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from urllib.parse import urlsplit

import msgspec

from backend.context import Context
from backend.errors import BadRequest, RefactError
from backend.models.families import shipped
from backend.sources import credentials

log = logging.getLogger("refact.public")
NAME = re.compile(r"[A-Za-z0-9][\w.-]{0,39}", re.ASCII)
LISTED_S = 300.0
"""How long a list of models that an upstream gave holds good; a failed try a tenth of that."""
PATIENCE_S = 0.7
"""How long a list of everything waits for a server's own; editors wait for it."""
SUFFIX, MISTRAL = "suffix", "mistral"
LEAST_CONTEXT = 64


class Upstream(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """One server, as its owner describes it."""

    url: str
    """Up to `/v1`, without the route."""
    credential: str = ""
    """Name of a token; empty where none is wanted."""
    models: tuple[str, ...] | None = None
    """Which of its models are offered; None: all that it lists."""
    chat: bool = True
    completion: bool = False
    """Whether code completion is offered from it, in the lists; it may be asked for anyway."""
    context: int = 8192
    fim: str = SUFFIX
    """How it fills in before a suffix: OpenAI's field `suffix`, `mistral` for that one's own route, or the family whose
    marks are put around the cursor, for servers that know no `suffix`."""


@dataclass(frozen=True)
class Found:
    """A model elsewhere."""

    upstream: str
    model: str
    """As its own server calls it."""
    server: Upstream

    @property
    def name(self) -> str:
        """As clients ask for it: `SERVER/MODEL`."""
        return f"{self.upstream}/{self.model}"


def read(path: Path) -> dict[str, Upstream]:
    """The servers by name; none where there is no file. Raises BadRequest saying what is wrong in it."""
    try:
        stat = path.stat()
    except OSError:
        return {}
    return _read(path, stat.st_mtime_ns, stat.st_size)


@lru_cache(maxsize=4)
def _read(path: Path, _changed: int, _size: int) -> dict[str, Upstream]:
    try:
        found = msgspec.convert(tomllib.loads(path.read_text(encoding="utf-8")), dict[str, Upstream])
        for name, one in found.items():
            _check(name, one)
    except (tomllib.TOMLDecodeError, UnicodeDecodeError, OSError, msgspec.ValidationError, ValueError) as error:
        raise BadRequest(f"{path} cannot be used: {error}.", "Mend it, or move it away.") from error
    return found


def _check(name: str, one: Upstream) -> None:
    """Raises ValueError in words for a server that cannot be spoken to, or not without giving its key away."""
    parts = urlsplit(one.url)
    if not NAME.fullmatch(name):
        raise ValueError(f"{name!r} cannot be a server's name")
    if parts.scheme not in ("http", "https") or not parts.hostname or parts.username or parts.query:
        raise ValueError(f"{name}: {one.url!r} is no address; it looks like https://host/v1")
    if one.credential and parts.scheme == "http" and not near(parts.hostname):
        raise ValueError(f"{name}: a key may not go to {parts.hostname} without encryption; say https")
    if one.context < LEAST_CONTEXT:
        raise ValueError(f"{name}: a context of {one.context} tokens is none")
    ways = (SUFFIX, MISTRAL, *(family for family, known in shipped().items() if known.marks))
    if one.fim not in ways:
        raise ValueError(f"{name}: fim is {one.fim!r}; it can be {', '.join(ways)}")


def near(host: str) -> bool:
    """Whether a host is this box or on its network, told by an address."""
    try:
        return ipaddress.ip_address(host).is_private
    except ValueError:
        return host == "localhost"


def find(ctx: Context, name: str) -> Found | None:
    """The model elsewhere that `SERVER/MODEL` names; None for another name, and where a hosted model has it.

    Raises BadRequest where upstreams.toml cannot be read."""
    server, slash, model = name.partition("/")
    if not slash or not model or name.partition(":")[0] in ctx.hosts.models():
        return None
    one = read(ctx.paths.upstreams_toml).get(server)
    return Found(server, model, one) if one else None


def key(ctx: Context, server: Upstream) -> str:
    """The token that a server wants, if any. Raises NotFound for one that is gone, BadRequest for an SSH key."""
    if not server.credential:
        return ""
    path = credentials.find(ctx.paths, server.credential)
    if path.suffix != credentials.TOKEN:
        raise BadRequest(
            f"{server.credential} is an SSH key.", "Keep the server's key: `credentials set NAME --token`."
        )
    return path.read_text(encoding="utf-8").strip()


class Lists:
    """Which models the servers offer, asked now and then in the background: a slow one holds nobody up for long."""

    def __init__(self, ctx: Context) -> None:
        self._ctx = ctx
        self._kept: dict[str, tuple[float, Upstream, list[str]]] = {}
        self._asking: dict[str, asyncio.Task[None]] = {}
        self.under_way = 0
        """Requests that are being passed on."""

    async def models(self) -> list[Found]:
        """Every model elsewhere. A server that cannot be asked offers what is named in the file, or nothing."""
        try:
            servers = read(self._ctx.paths.upstreams_toml)
        except BadRequest as error:
            log.warning("%s", error.message)
            return []
        asked = [name for name, server in servers.items() if server.models is None and not self._good(name, server)]
        for name in asked:
            if name not in self._asking:
                self._asking[name] = asyncio.create_task(self._ask(name, servers[name]))
        if asked:
            await asyncio.wait([self._asking[name] for name in asked if name in self._asking], timeout=PATIENCE_S)
        found = []
        for name, server in servers.items():
            models = server.models if server.models is not None else self._kept.get(name, (0.0, server, []))[2]
            found += [Found(name, model, server) for model in models]
        return found

    async def close(self) -> None:
        """Ask no more."""
        for task in self._asking.values():
            task.cancel()
        await asyncio.gather(*self._asking.values(), return_exceptions=True)

    def _good(self, name: str, server: Upstream) -> bool:
        until, known, _ = self._kept.get(name, (0.0, None, []))
        return known == server and time.monotonic() < until

    async def _ask(self, name: str, server: Upstream) -> None:
        # Imported when there is a server to ask: the client takes longer than the rest of the engine's start.
        from backend.serve.upstream import list_models

        before = self._kept.get(name, (0.0, server, []))[2]
        try:
            models, good_s = await list_models(self._ctx, server), LISTED_S
        except RefactError as error:
            log.warning("the models of %s cannot be listed: %s", name, error.message)
            models, good_s = [], LISTED_S / 10
        finally:
            del self._asking[name]
        self._kept[name] = (time.monotonic() + good_s, server, models)
        if models != before:
            self._ctx.hosts.grow()
