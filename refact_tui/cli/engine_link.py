"""How verbs reach the engine: started where it must be, waited for with progress where that was asked for."""

import time
from collections.abc import Callable, Sequence
from typing import Any, TypeVar
from urllib.parse import quote

import click
import msgspec

from backend import wire
from backend.paths import Paths, find_home
from refact_tui.cli.output import FAILED, REFUSED, UNREACHABLE, Failure, Progress, waiting
from refact_tui.client import Client, EngineError, EngineUnreachable
from refact_tui.launch import LaunchError, ensure_engine

POLL_S = 0.25
LONG_S = 120.0
"""For requests that wait for a model."""
REVIVALS = 3
T = TypeVar("T")


def paths() -> Paths:
    """The state home that the environment names."""
    return Paths(find_home())


def connect(start: bool = True, told: Sequence[str] = ()) -> Client:
    """A client of the home's engine, started (with the arguments `told`) where none runs unless `start` is False."""
    home = paths()
    if start:
        try:
            with waiting("starting the engine"):
                ensure_engine(home, told)
        except LaunchError as error:
            raise Failure(error.message, error.hint, "engine", UNREACHABLE) from error
    asked = click.get_current_context(silent=True)
    return Client(home, timeout_s=LONG_S, project=asked.find_root().obj if asked else None)


def as_failure(error: EngineError | EngineUnreachable) -> Failure:
    """What the engine, or its silence, means for the exit status."""
    if isinstance(error, EngineUnreachable):
        return Failure(error.message, error.hint, "unreachable", UNREACHABLE)
    return Failure(error.message, error.hint, error.code, REFUSED if error.code == "refused" else FAILED)


def path_of(noun: str, name: str) -> str:
    """`/train/runs/NAME` with a name that may hold anything."""
    return f"{noun}/{quote(name, safe='')}"


def _patient(ask: Callable[[], T]) -> T:
    """Ask; an engine that has died meanwhile is started again and takes up what it was doing."""
    for left in reversed(range(REVIVALS)):
        try:
            return ask()
        except EngineUnreachable:
            if not left:
                raise
            time.sleep(1.0)
            connect().close()
    raise AssertionError("unreachable")


def wait(client: Client, path: str, kind: type[T], over: Callable[[T], bool], show: Callable[[T, Progress], None]) -> T:
    """Ask for `path` until `over`, drawing progress; leaving with ctrl+c stops nothing."""
    progress = Progress()
    try:
        while not over(found := _patient(lambda: client.get(path, kind))):
            show(found, progress)
            time.sleep(POLL_S)
    finally:
        progress.end()
    return found


def job_of(client: Client, number: int | None) -> wire.Job | None:
    """A job by its number, while the engine remembers it."""
    if number is None:
        return None
    try:
        return client.get(f"/jobs/{number}", wire.Job)
    except EngineError:
        return None


def plain(value: Any) -> Any:
    """A wire struct as what JSON holds."""
    return msgspec.to_builtins(value)
