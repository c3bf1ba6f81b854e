"""`status`, `engine start|run|stop|restart|status`: the process that does the work."""

import os
from collections.abc import Callable
from typing import Any

import click

from backend import wire
from refact_tui import words
from refact_tui.cli.engine_link import connect, paths
from refact_tui.cli.output import Failure, columns, emit, waiting
from refact_tui.cli.verbs import root, verb
from refact_tui.client import Client, EngineUnreachable
from refact_tui.launch import COMMAND, answers, ended, gone

STOP_S = 90.0
"""Trainers save within a minute."""


@root.group()
def engine() -> None:
    """The engine: start, run, stop, restart, status, and a unit for systemd."""


def where(verb: Callable[..., Any]) -> Callable[..., Any]:
    """Adds --host, --port and --no-tls to a verb."""
    for option in (
        click.option("--no-tls", is_flag=True, help="Forget the certificate: plain http from now on."),
        click.option("--port", help="Port of the endpoint, from now on."),
        click.option("--host", help="Address of the endpoint, from now on; any but this box's own needs an API key."),
    ):
        verb = option(verb)
    return verb


def _told(host: str | None, port: str | None, no_tls: bool) -> list[str]:
    told = [f"--host={host}"] if host else []
    told += [f"--port={port}"] if port else []
    return [*told, "--no-tls"] if no_tls else told


@verb(root, "status")
def status(as_json: bool) -> None:
    """What the engine does and serves now."""
    with connect(start=False) as client:
        found = client.get("/status", wire.Status)
    rows = [(one.model, one.mode, one.checkpoint or "base model", one.state, one.detail) for one in found.serving]
    jobs = [(str(job.id), job.kind, job.name, job.state, _progress(job)) for job in found.jobs]
    text = "\n\n".join(
        part
        for part in (
            _engine_text(found.engine),
            columns(rows, ("MODEL", "MODE", "ANSWERS FROM", "STATE", "")),
            columns(jobs, ("JOB", "KIND", "OF", "STATE", "")) if jobs else "No jobs.",
        )
        if part
    )
    emit(found, as_json, text)


def _progress(job: wire.Job) -> str:
    parts = [f"{words.count(job.done)}/{words.count(job.total)} {job.unit}".strip()] if job.total else []
    if job.eta_s is not None:
        parts.append(f"{words.duration(job.eta_s)} left")
    return "  ".join([*parts, job.message] if job.message else parts)


def _engine_text(found: wire.EngineInfo) -> str:
    return (
        f"engine {found.version}, process {found.pid}, up {words.duration(found.uptime_s)}\n"
        f"completions at {found.public_url}\nsocket {found.socket}"
    )


@verb(engine, "start")
@where
def start(host: str | None, port: str | None, no_tls: bool, as_json: bool) -> None:
    """Start it, unless it runs; returns when it answers."""
    told = _told(host, port, no_tls)
    if told and answers(paths()):
        raise Failure("The engine runs already.", f"refact-tui engine restart {' '.join(told)}", "running")
    with connect(told=told) as client:
        found = client.get("/version", wire.EngineInfo)
    emit(found, as_json, _engine_text(found))


@engine.command("run")
@where
@click.option("--first-key", is_flag=True, help="Make and print an API key where others are served and none is there.")
def run(host: str | None, port: str | None, no_tls: bool, first_key: bool) -> None:
    """Run it here, in the foreground, with its log on stderr: for containers and service managers."""
    home = paths()
    if answers(home):
        raise Failure("The engine runs already.", "refact-tui engine stop", "running")
    command = [*COMMAND, *_told(host, port, no_tls), *(["--first-key"] if first_key else [])]
    os.execve(command[0], command, {**os.environ, "REFACT_TUI_HOME": str(home.home)})


@verb(engine, "status")
def engine_status(as_json: bool) -> None:
    """Its process, uptime and addresses."""
    with connect(start=False) as client:
        found = client.get("/version", wire.EngineInfo)
    emit(found, as_json, _engine_text(found))


@verb(engine, "stop")
def stop(as_json: bool) -> None:
    """Stop it and all its processes; a run saves first and goes on with the next engine."""
    stopped = _end(keep_trainers=False)
    emit({"stopped": stopped}, as_json, "The engine has stopped." if stopped else "No engine was running.")


@verb(engine, "restart")
@where
def restart(host: str | None, port: str | None, no_tls: bool, as_json: bool) -> None:
    """Stop it and start it again; a trainer trains on meanwhile and is adopted."""
    _end(keep_trainers=True)
    with connect(told=_told(host, port, no_tls)) as client:
        found = client.get("/version", wire.EngineInfo)
    emit(found, as_json, _engine_text(found))


def _end(keep_trainers: bool) -> bool:
    """Tell the engine to end, and wait until it has; False where none was running."""
    home = paths()
    if not answers(home) and gone(home, 0.0):
        return False
    pid = 0
    try:
        with Client(home, any_version=True) as client:
            pid = client.get("/version", wire.EngineInfo).pid
            client.post("/engine/stop", {"keep_trainers": keep_trainers}, Any)
    except EngineUnreachable:
        pass  # it is ending already, or hangs: the wait tells
    with waiting("waiting for the engine to end"):
        over = gone(home, STOP_S) and ended(pid, STOP_S)
    if not over:
        raise Failure(f"The engine has not ended after {STOP_S:.0f} s.", f"Look into its log: {home.engine_log}")
    return True
