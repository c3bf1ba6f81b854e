"""Before the first run of a model has told how fast this box trains it, a few seconds of training do."""

import asyncio
import json
from typing import Any

import msgspec

from backend import devices, settings, wire
from backend.context import Context
from backend.errors import RefactError
from backend.jobs.process import Child, spawn
from backend.jobs.queue import JobHandle, Work
from backend.jobs.states import Stopped
from backend.train.launch import NICE, environment
from backend.train.orders import job_of
from backend.train.plan import Prepared, prepare, rate_setting

PATIENCE_S = 180.0
KIND: wire.JobKind = "warmup"


async def planned(ctx: Context, request: wire.StartRun) -> wire.Plan:
    """The plan; where its time was only guessed, it is being measured from now on. Raises as `plan.prepare` does."""
    prepared = await prepare(ctx, request)
    plan = prepared.plan
    if plan.speed != "guessed" or plan.memory_bytes > plan.memory_available_bytes:
        return plan
    tried = [job.state for job in ctx.jobs.list() if job.kind == KIND and job.name == plan.model]
    if not tried:
        await ctx.jobs.submit(KIND, plan.model, _measuring(ctx, prepared), "compute", ctx.project_name)
    elif tried[-1] not in ("queued", "running"):
        # It was stopped or has failed, which its job says; a guess will do.
        return plan
    return msgspec.structs.replace(plan, speed="measuring")


async def make_way(ctx: Context) -> None:
    """A run wants the device: what is only being measured for a plan ends."""
    await ctx.jobs.end(job for job in ctx.jobs.list() if job.kind == KIND)


def _measuring(ctx: Context, prepared: Prepared) -> Work:
    async def work(handle: JobHandle) -> None:
        handle.progress(message="a few seconds of training, for the plan")
        job = job_of(ctx.paths, "", prepared)
        child = await spawn(
            ctx.paths,
            "backend.train.measure",
            msgspec.json.encode(job).decode(),
            log=ctx.paths.logs / "warmup.log",
            env=environment(job.threads, 1),
            stdout=asyncio.subprocess.PIPE,
            nice=NICE,
        )
        try:
            found = await _answer(child, handle)
        finally:
            await child.stop(grace_s=0.2)
        if "failed" in found:
            raise RefactError(f"The speed of {job.model} could not be measured: {found['failed']}")
        # Several GPUs do so much more, several processes on one CPU do not.
        rate = float(found["tokens_per_s"]) * (job.processes if devices.gpus() else 1)
        await settings.set(ctx.db, rate_setting(job.model), round(rate, 1))

    return work


async def _answer(child: Child, handle: JobHandle) -> dict[str, Any]:
    """What the process said. Raises Stopped where it is no longer wanted."""
    assert child.process is not None and child.process.stdout is not None
    said = asyncio.ensure_future(child.process.stdout.read())
    stop = asyncio.ensure_future(handle.stop_requested.wait())
    try:
        await asyncio.wait({said, stop}, timeout=PATIENCE_S, return_when=asyncio.FIRST_COMPLETED)
        if stop.done():
            raise Stopped
        if not said.done():
            return {"failed": f"nothing was heard for {PATIENCE_S:.0f} seconds"}
        return _decoded(said.result())
    finally:
        said.cancel()
        stop.cancel()


def _decoded(answer: bytes) -> dict[str, Any]:
    try:
        found: dict[str, Any] = json.loads(answer)
    except ValueError:
        return {"failed": "the process died; logs/warmup.log says more"}
    return found
