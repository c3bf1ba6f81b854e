"""Routes of training: the plan, and runs."""

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from backend import nightly, wire
from backend.control.answers import answer, body, context, number
from backend.train import examples, settings, taught, warmup
from backend.train import run as runs

PLACES = 40
"""Held-out places that are given where no number was asked for."""


async def make_plan(request: Request) -> Response:
    """POST /train/plan: what a run would take; its speed is measured meanwhile where nothing tells of it"""
    return answer(await warmup.planned(context(request), await body(request, wire.StartRun)))


async def list_settings(request: Request) -> Response:
    """GET /train/settings: what may be set, with ranges and meanings"""
    return answer(settings.described())


async def list_runs(request: Request) -> Response:
    """GET /train/runs"""
    return answer(await runs.list_runs(context(request)))


async def start_run(request: Request) -> Response:
    """POST /train/runs"""
    return answer(await runs.start(context(request), await body(request, wire.StartRun)))


async def get_run(request: Request) -> Response:
    """GET /train/runs/{run}"""
    return answer(await runs.get(context(request), request.path_params["run"]))


async def stop_run(request: Request) -> Response:
    """POST /train/runs/{run}/stop"""
    return answer(await runs.stop(context(request), request.path_params["run"]))


async def resume_run(request: Request) -> Response:
    """POST /train/runs/{run}/resume"""
    return answer(await runs.resume(context(request), request.path_params["run"]))


async def metrics(request: Request) -> Response:
    """GET /train/runs/{run}/metrics?after=STEP"""
    after = number(request, "after")
    return answer(await runs.metrics(context(request), request.path_params["run"], after))


async def run_log(request: Request) -> Response:
    """GET /train/runs/{run}/log"""
    return answer(await runs.log(context(request), request.path_params["run"]))


async def get_schedule(request: Request) -> Response:
    """GET /train/schedule"""
    return answer(await nightly.get(context(request)))


async def put_schedule(request: Request) -> Response:
    """POST /train/schedule: every night at this time; an empty one turns it off"""
    return answer(await nightly.put(context(request), await body(request, wire.Schedule)))


async def night_now(request: Request) -> Response:
    """POST /train/schedule/now: do now what is done each night"""
    return answer(await nightly.start(context(request)))


async def run_files(request: Request) -> Response:
    """GET /train/runs/{run}/files?set=&text=&limit=&offset=: what it learnt from and was tested on"""
    query = request.query_params
    found = await taught.page(
        context(request),
        request.path_params["run"],
        set=query.get("set"),
        text=query.get("text", ""),
        limit=100 if (limit := number(request, "limit")) is None else limit,
        offset=number(request, "offset") or 0,
    )
    return answer(found)


async def run_file(request: Request) -> Response:
    """GET /train/runs/{run}/files/{sha256}: its text"""
    return answer(await taught.preview(context(request), request.path_params["run"], request.path_params["sha256"]))


async def run_places(request: Request) -> Response:
    """GET /train/runs/{run}/places?count=&beside=RUN: held-out places, of files that `beside` has not learnt from"""
    count = number(request, "count")
    beside = request.query_params.getlist("beside")
    run = request.path_params["run"]
    return answer(await examples.places(context(request), run, PLACES if count is None else count, beside))


ROUTES = [
    Route("/train/schedule", get_schedule),
    Route("/train/schedule", put_schedule, methods=["POST"]),
    Route("/train/schedule/now", night_now, methods=["POST"]),
    Route("/train/settings", list_settings),
    Route("/train/plan", make_plan, methods=["POST"]),
    Route("/train/runs", list_runs),
    Route("/train/runs", start_run, methods=["POST"]),
    Route("/train/runs/{run}", get_run),
    Route("/train/runs/{run}/stop", stop_run, methods=["POST"]),
    Route("/train/runs/{run}/resume", resume_run, methods=["POST"]),
    Route("/train/runs/{run}/metrics", metrics),
    Route("/train/runs/{run}/log", run_log),
    Route("/train/runs/{run}/files", run_files),
    Route("/train/runs/{run}/files/{sha256}", run_file),
    Route("/train/runs/{run}/places", run_places),
]
