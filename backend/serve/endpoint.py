"""Where completions are asked for: address, port and certificate, as told, set or left alone, and whether it may be so.

What was told when the engine started counts first, then its environment, then what was set, then the default; what
was told is set for the next time too, since screens and verbs start the engine by themselves."""

import asyncio
import os
import socket
import ssl
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlsplit

from backend import settings, wire
from backend.errors import BadRequest, NotFound
from backend.serve import certificate
from backend.serve.gate import is_loopback
from backend.serve.keys import DEMANDED
from backend.store.database import Database

HOST, PORT, CERTIFICATE, PRIVATE_KEY = "serve.host", "serve.port", "serve.tls_cert", "serve.tls_key"
TOLD = "serve.public_url"
FILE = "a file on this box"
NOWHERE = ("192.0.2.1", 9)
"""An address that is nobody's (RFC 5737): nothing is sent to it."""


@dataclass(frozen=True)
class Setting:
    """One that may be set: where it is kept, its default, what it means and what it may be, in words."""

    kept: str
    default: str
    meaning: str
    limits: str
    choices: tuple[str, ...] = ()
    at_once: bool = False


SETTINGS = {
    "host": Setting(
        HOST,
        "127.0.0.1",
        "address to serve on; any but this box's own needs an API key first",
        "an address of this box, 0.0.0.0 for all",
    ),
    "port": Setting(PORT, "8008", "port to serve on", "1 … 65535"),
    "tls_cert": Setting(
        CERTIFICATE, "", "certificate (chain) as a PEM file; with tls_key the endpoint speaks https", FILE
    ),
    "tls_key": Setting(PRIVATE_KEY, "", "the certificate's private key as a PEM file, without a password", FILE),
    "public_url": Setting(
        TOLD,
        "",
        "address that clients are told, where a proxy or a container's host has another",
        "an http or https address that others reach",
    ),
    "loopback_needs_key": Setting(
        DEMANDED,
        "no",
        "yes: this box itself needs an API key too (for a proxy that forwards strangers)",
        "yes or no",
        ("yes", "no"),
        at_once=True,
    ),
}
ENVIRONMENT = {"host": "REFACT_TUI_HOST", "port": "REFACT_TUI_PORT", "public_url": "REFACT_TUI_PUBLIC_URL"}


@dataclass(frozen=True)
class Endpoint:
    """Where the engine serves, all of it checked."""

    host: str
    port: int
    certificate: str = ""
    private_key: str = ""
    tls: ssl.SSLContext | None = None
    told: str = ""
    """The address that clients are told; empty: where the engine itself serves."""

    @property
    def open(self) -> bool:
        """Whether others than this box itself reach it."""
        return not is_loopback(self.host)

    @property
    def url(self) -> str:
        """As clients write it: where it serves on every address, the one that others would reach."""
        if self.told:
            return self.told
        host = _reached() if self.host in ("0.0.0.0", "::") else self.host
        shown = f"[{host}]" if ":" in host else host
        return f"{'https' if self.tls else 'http'}://{shown}:{self.port}"


async def find(db: Database, told: dict[str, str]) -> Endpoint:
    """The endpoint of this start; `told` holds the settings that were told. Raises BadRequest in words."""
    chosen = {}
    for name, setting in SETTINGS.items():
        found = told[name] if name in told else os.environ.get(ENVIRONMENT.get(name, ""))
        chosen[name] = found or (None if name in told else await settings.get(db, setting.kept)) or setting.default
    port = port_of(chosen["port"], _source(told))
    tls = certificate.load(chosen["tls_cert"], chosen["tls_key"])
    public = url_of(chosen["public_url"]) if chosen["public_url"] else ""
    return Endpoint(chosen["host"], port, chosen["tls_cert"], chosen["tls_key"], tls, public)


async def remember(db: Database, told: dict[str, str]) -> None:
    """Keep what was told, once it has proved possible."""
    for name, value in told.items():
        await settings.set(db, SETTINGS[name].kept, value or None)


async def check_open(db: Database, endpoint: Endpoint) -> None:
    """Raises BadRequest where others could reach the endpoint and no key keeps strangers out."""
    await _want_keys(
        db,
        endpoint.host,
        endpoint.host,
        "Make one on this box's own address (refact-tui engine start --host 127.0.0.1; refact-tui keys create "
        f"NAME), then: refact-tui engine restart --host {endpoint.host}",
    )


async def shown(db: Database) -> list[wire.ServeSetting]:
    """What may be set and how it stands."""
    return [
        wire.ServeSetting(
            name=name,
            value=await settings.get(db, one.kept) or one.default,
            default=one.default,
            meaning=one.meaning,
            at_once=one.at_once,
            limits=one.limits,
            choices=list(one.choices),
            overruled=_overruled(name),
        )
        for name, one in SETTINGS.items()
    ]


async def put(db: Database, name: str, value: str | None) -> None:
    """Set one. Raises NotFound for an unknown name, BadRequest for a value that can never be one."""
    if name not in SETTINGS:
        raise NotFound(f"There is no setting called {name!r}.", f"Settings: {', '.join(SETTINGS)}.")
    choices = SETTINGS[name].choices
    if value and choices and value not in choices:
        raise BadRequest(f"{name} is {value!r}; it can be {' or '.join(choices)}.")
    if value and name == "port":
        port_of(value, "port")
    if value and name == "public_url":
        value = url_of(value)
    if value and name == "host":
        await _check_host(db, value)
    if value and name in ("tls_cert", "tls_key"):
        value = str(Path(value).expanduser().absolute())
        if not Path(value).is_file():
            raise BadRequest(f"{value} is no file.", "Give the path of a PEM file on this box.")
    await settings.set(db, SETTINGS[name].kept, value or None)


def port_of(text: str, where: str) -> int:
    """A port's number. Raises BadRequest for what is none."""
    if not text.isascii() or not text.isdigit() or not 0 < int(text) < 65536:
        raise BadRequest(f"{where} is {text!r}; it must be a number from 1 to 65535.")
    return int(text)


def url_of(text: str) -> str:
    """An address for clients. Raises BadRequest for what is none, or is every box's own."""
    at = None
    if text.isascii() and text.isprintable() and not set(text) & set(" \"'\\<>`"):
        try:
            at = urlsplit(text)
            named = at.scheme in ("http", "https") and at.hostname and not (at.username or at.query or at.fragment)
            if named and (at.port is None or at.port > 0) and not is_loopback(at.hostname or ""):
                return text.rstrip("/")
        except ValueError:
            at = None
    own = "Every box has that address; " if at and is_loopback(at.hostname or "") else ""
    raise BadRequest(
        f"public_url is {text!r}.", f"{own}it wants one that others reach, such as https://code.example.org"
    )


async def _check_host(db: Database, host: str) -> None:
    """Raises BadRequest for what the next start would refuse: then nobody could set it right."""
    if not await asyncio.to_thread(_is_ours, host):
        raise BadRequest(f"host is {host!r}; it must be {SETTINGS['host'].limits}.", "`ip address` lists them.")
    hint = "Make one first: n in the tab Keys of Serve, or refact-tui keys create NAME."
    await _want_keys(db, host, f"host {host}", hint)


async def _want_keys(db: Database, host: str, named: str, hint: str) -> None:
    """Raises BadRequest where others reach an address and there is no API key."""
    if not is_loopback(host) and not await db.fetch_one("SELECT 1 FROM api_keys"):
        raise BadRequest(
            f"{named} can be reached from other machines, and for that API keys are needed: there is none.",
            hint,
            code="keys_needed",
        )


def _is_ours(host: str) -> bool:
    """Whether this box can serve on an address."""
    try:
        family, kind, protocol, _, address = socket.getaddrinfo(host, 0, type=socket.SOCK_STREAM)[0]
        with socket.socket(family, kind, protocol) as probe:
            probe.bind(address)
    except (OSError, UnicodeError):
        return False
    return True


def _overruled(name: str) -> str:
    """The variable of the engine's environment that counts before what was set, with its value; empty for none."""
    variable = ENVIRONMENT.get(name, "")
    value = os.environ.get(variable)
    return f"{variable}={value}" if value else ""


def _source(told: dict[str, str]) -> str:
    return "--port" if told.get("port") else ENVIRONMENT["port"] if os.environ.get(ENVIRONMENT["port"]) else "port"


def _reached() -> str:
    """The address that this box has towards the world, or its name where it has none."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
        try:
            probe.connect(NOWHERE)
        except OSError:
            return socket.gethostname()
        return str(probe.getsockname()[0])
