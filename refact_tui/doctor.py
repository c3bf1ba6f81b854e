"""Examines the terminal and the way to the engine, then lets the engine examine the rest."""

import importlib.util
import locale
import os
import shutil
import sys

from backend import wire
from backend.paths import Paths
from refact_tui.client import Client, EngineError, EngineUnreachable

NEEDED = ("torch", "transformers", "peft", "accelerate", "tokenizers")


def examine(paths: Paths) -> list[wire.Finding]:
    """Every finding; where no engine runs, that is one of them."""
    found = [_python(), _packages(), _terminal(), _locale(), _home(paths), _port()]
    try:
        with Client(paths, timeout_s=20) as client:
            return [
                *found,
                wire.Finding(check="engine", ok=True, finding=f"It answers on {paths.socket}."),
                *_theirs(client),
            ]
    except EngineUnreachable as error:
        return [*found, wire.Finding(check="engine", ok=None, finding=error.message, remedy=error.hint)]
    except EngineError as error:
        return [*found, wire.Finding(check="engine", ok=False, finding=error.message, remedy=error.hint)]


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


def _terminal() -> wire.Finding:
    term = os.environ.get("TERM", "")
    if not sys.stdout.isatty():
        return wire.Finding(
            check="terminal", ok=None, finding="This is no terminal.", remedy="Over ssh use `ssh -t` for the screen."
        )
    size = shutil.get_terminal_size()
    good = term not in ("", "dumb") and size.columns >= 80 and size.lines >= 24
    remedy = "" if good else "The screen wants 80×24 and a TERM such as xterm-256color."
    return wire.Finding(
        check="terminal", ok=good, finding=f"{term or 'no TERM'}, {size.columns}×{size.lines}.", remedy=remedy
    )


def _locale() -> wire.Finding:
    encoding = locale.getpreferredencoding(False)
    good = encoding.lower().replace("-", "") == "utf8"
    return wire.Finding(check="locale", ok=good, finding=f"{encoding}.", remedy="" if good else "Set LANG=C.UTF-8.")


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


def _port() -> wire.Finding:
    host, port = os.environ.get("REFACT_TUI_HOST"), os.environ.get("REFACT_TUI_PORT")
    if port and not (port.isdigit() and 0 < int(port) < 65536):
        said = f"REFACT_TUI_PORT is {port!r}; it must be a number from 1 to 65535."
        return wire.Finding(check="port", ok=False, finding=said, remedy="Set REFACT_TUI_PORT to a free port.")
    told = " and ".join(text for text, one in ((f"host {host}", host), (f"port {port}", port)) if one)
    said = f"The environment says: {told}." if told else "The environment says nothing of it: `settings list` does."
    return wire.Finding(check="port", ok=True, finding=said)
