"""Examines the terminal and the way to the engine, then lets the engine examine the rest."""

import importlib.util
import os
import socket
import sys

from backend import wire
from backend.paths import ELSEWHERE, Paths, file_system
from refact_tui.client import Client, EngineError, EngineUnreachable
from refact_tui.doctor_terminal import terminal_findings

NEEDED = ("torch", "transformers", "peft", "accelerate", "tokenizers")
HOST, PORT = "127.0.0.1", 8008
"""Where an engine serves that was told nothing."""


def examine(paths: Paths) -> list[wire.Finding]:
    """Every finding; where no engine runs, that is one of them."""
    found = [_python(), _packages(), *terminal_findings(), _home(paths)]
    try:
        with Client(paths, timeout_s=20) as client:
            theirs = _theirs(client)
    except EngineUnreachable as error:
        lone = wire.Finding(check="engine", ok=None, finding=error.message, remedy=error.hint)
        return [*found, *_file_system(paths), _port(runs=False), lone]
    except EngineError as error:
        lone = wire.Finding(check="engine", ok=False, finding=error.message, remedy=error.hint)
        return [*found, _port(runs=True), lone]
    answering = wire.Finding(check="engine", ok=True, finding=f"It answers on {paths.socket}.")
    return [*found, _port(runs=True), answering, *theirs]


def _theirs(client: Client) -> list[wire.Finding]:
    return [one for one in client.get("/doctor", list[wire.Finding]) if one.check not in ("python", "state folder")]


def _python() -> wire.Finding:
    version = ".".join(map(str, sys.version_info[:3]))
    return wire.Finding(check="python", ok=True, finding=f"Python {version} at {sys.executable}.")


def _packages() -> wire.Finding:
    missing = [name for name in NEEDED if importlib.util.find_spec(name) is None]
    if missing:
        return wire.Finding(
            check="packages", ok=False, finding=f"Missing: {', '.join(missing)}.", remedy="Install refact-tui again."
        )
    return wire.Finding(check="packages", ok=True, finding="Everything that training and serving need is installed.")


def _home(paths: Paths) -> wire.Finding:
    if not paths.home.exists():
        return wire.Finding(
            check="state folder", ok=None, finding=f"{paths.home} is made when the engine first starts."
        )
    mode = paths.home.stat().st_mode & 0o777
    closed, ours = mode & 0o077 == 0, os.access(paths.home, os.W_OK)
    remedy = "" if closed and ours else f"It must be yours alone: chmod 700 {paths.home}"
    return wire.Finding(
        check="state folder", ok=closed and ours, finding=f"{paths.home} (mode {mode:o}).", remedy=remedy
    )


def _file_system(paths: Paths) -> list[wire.Finding]:
    """Told here only where no engine tells it: over a network one may be unable to start."""
    kind = file_system(paths.home)
    if kind is None or not kind.network:
        return []
    return [wire.Finding(check="file system", ok=False, finding=kind.trouble(paths.home), remedy=ELSEWHERE)]


def _port(runs: bool) -> wire.Finding:
    """What the environment says of the endpoint, and, where no engine `runs`, whether one could have the port."""
    host, port = os.environ.get("REFACT_TUI_HOST"), os.environ.get("REFACT_TUI_PORT")
    if port and not (port.isdigit() and 0 < int(port) < 65536):
        said = f"REFACT_TUI_PORT is {port!r}; it must be a number from 1 to 65535."
        return wire.Finding(check="port", ok=False, finding=said, remedy="Set REFACT_TUI_PORT to a free port.")
    told = " and ".join(text for text, one in ((f"host {host}", host), (f"port {port}", port)) if one)
    said = f"The environment says: {told}." if told else "The environment says nothing of it: `settings list` does."
    if not runs and (trouble := _taken(host or HOST, int(port or PORT))):
        said = f"Port {port or PORT} on {host or HOST} cannot be used: {trouble}."
        remedy = "Stop what uses it (`ss -ltnp` names it), or: refact-tui engine start --port N"
        return wire.Finding(check="port", ok=False, finding=said, remedy=remedy)
    return wire.Finding(check="port", ok=True, finding=said)


def _taken(host: str, port: int) -> str:
    """Why nobody can listen there now; empty where one could."""
    try:
        family, kind, protocol, _, address = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)[0]
        with socket.socket(family, kind, protocol) as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            probe.bind(address)
            probe.listen(1)
    except OSError as error:
        return error.strerror or str(error)
    return ""
