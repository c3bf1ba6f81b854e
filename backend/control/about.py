"""What the engine is and how it stands: version, state, status, log, stop."""

import asyncio
import os
import re
import time
from collections.abc import Callable, Iterable, Iterator

import msgspec
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from backend import __version__, projects, wire
from backend.checkpoints import catalog as checkpoints
from backend.checkpoints import switch
from backend.context import Context
from backend.control import doctor
from backend.control.answers import answer, body, context, number
from backend.errors import BadRequest
from backend.models import records as models
from backend.scan import run as scans
from backend.serve import endpoint
from backend.sources import catalog as sources
from backend.sources import credentials
from backend.train import run as runs

LINE = re.compile(r"(\S+) (DEBUG|INFO|WARNING|ERROR|CRITICAL) (.*)")
LEVELS = ("debug", "info", "warning", "error", "critical")
TAIL = 400_000
"""Bytes of the log that are looked at."""
LIVING = ("queued", "running")


class Stop(msgspec.Struct, frozen=True):
    """How an engine is asked to stop."""

    keep_trainers: bool = False
    """Leave trainers training, for the next engine to adopt."""


def info(ctx: Context) -> wire.EngineInfo:
    """Who answers here."""
    return wire.EngineInfo(
        pid=os.getpid(),
        version=__version__,
        api_version=wire.API_VERSION,
        uptime_s=round(time.time() - ctx.started, 1),
        socket=str(ctx.paths.socket),
        public_url=ctx.public_url,
    )


async def version(request: Request) -> Response:
    """GET /version"""
    return answer(info(context(request)))


async def status(request: Request) -> Response:
    """GET /status"""
    ctx = context(request)
    return answer(wire.Status(engine=info(ctx), serving=switch.serving(ctx), jobs=ctx.jobs.list()))


async def state(request: Request) -> Response:
    """GET /state: everything a TUI draws; what changes while it is put together comes again as an event."""
    ctx = context(request)
    last = ctx.bus.last_id
    trust = await credentials.told(ctx)
    return answer(
        wire.State(
            engine=info(ctx),
            serving=switch.serving(ctx),
            jobs=ctx.jobs.list(),
            sources=await sources.list_sources(ctx),
            scan=await scans.current(ctx),
            runs=await runs.list_runs(ctx),
            checkpoints=await checkpoints.list_checkpoints(ctx),
            models=await models.list_wire(ctx),
            last_event_id=last,
            projects=await projects.list_projects(ctx),
            credentials=trust.credentials,
            pinned=trust.pinned,
            keys=ctx.hosts.keys.shown(),
            settings=await endpoint.shown(ctx.db),
            fresh=ctx.hosts.statistics.recent.fresh,
        )
    )


async def examine(request: Request) -> Response:
    """GET /doctor"""
    return answer(await doctor.findings(context(request)))


async def log(request: Request) -> Response:
    """GET /log?lines=N&level=L&text=T: the last lines of the engine's log that are as grave and hold the text."""
    path, wanted = context(request).paths.engine_log, number(request, "lines") or 200
    level, text = request.query_params.get("level", ""), request.query_params.get("text", "").casefold()
    if level and level not in LEVELS:
        raise BadRequest(f"level is {level!r}; it must be one of {', '.join(LEVELS)}.")

    def tail() -> list[wire.LogLine]:
        with path.open("rb") as file:
            file.seek(max(path.stat().st_size - TAIL, 0))
            lines = file.read().decode(errors="replace").splitlines()
        if not level and not text:
            lines = lines[-wanted:]
        grave = LEVELS[LEVELS.index(level) :] if level else LEVELS
        found = [line for line in _log_lines(lines) if line.level in grave and text in line.text.casefold()]
        return found[-wanted:] if wanted > 0 else []

    try:
        return answer(await asyncio.to_thread(tail))
    except FileNotFoundError:
        return answer([])  # somebody removed it: the engine writes on into what has no name


def _log_lines(lines: Iterable[str]) -> Iterator[wire.LogLine]:
    """Lines as they are told; those that only go on, as a traceback's do, are as grave as what they belong to."""
    level = "info"
    for line in lines:
        if found := LINE.match(line):
            level = found[2].lower()
            yield wire.LogLine(at=found[1], level=level, text=found[3])
        else:
            yield wire.LogLine(at="", level=level, text=line)


async def job(request: Request) -> Response:
    """GET /jobs/{id}"""
    ctx, id_ = context(request), request.path_params["id"]
    return answer(ctx.jobs.get(id_) or await ctx.jobs.stop(id_))


async def stop_job(request: Request) -> Response:
    """POST /jobs/{id}/stop: a run saves first."""
    ctx, id_ = context(request), request.path_params["id"]
    found = ctx.jobs.get(id_)
    if found and found.kind == "train" and found.state in LIVING:
        await runs.stop(ctx, found.name)
        return answer(ctx.jobs.get(id_) or found)
    return answer(await ctx.jobs.stop(id_))


async def stop(request: Request) -> Response:
    """POST /engine/stop: answers, then ends."""
    leave: Callable[[bool], None] = request.app.state.leave
    leave((await body(request, Stop)).keep_trainers)
    return answer(info(context(request)))


ROUTES = [
    Route("/version", version),
    Route("/status", status),
    Route("/state", state),
    Route("/doctor", examine),
    Route("/log", log),
    Route("/jobs/{id:int}", job),
    Route("/jobs/{id:int}/stop", stop_job, methods=["POST"]),
    Route("/engine/stop", stop, methods=["POST"]),
]
