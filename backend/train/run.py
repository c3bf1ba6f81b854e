"""Runs as the engine offers them: start, stop, resume, and carry them over the engine's own restarts."""

import asyncio
import json
import re
import shutil
import sqlite3
from collections import Counter
from datetime import UTC, datetime
from weakref import WeakKeyDictionary

from backend import settings, wire
from backend.bus import Bus
from backend.context import Context
from backend.errors import BadRequest, Conflict, RefactError
from backend.jobs import journal
from backend.jobs.process import adopt
from backend.jobs.queue import JobHandle
from backend.jobs.states import Stopped
from backend.store.database import now
from backend.train import beside, made, records, warmup
from backend.train.dataset import Member, write_manifest
from backend.train.follow import Follower
from backend.train.job import Folder
from backend.train.orders import job_of
from backend.train.plan import Prepared, prepare, rate_setting
from backend.train.tell import sentences

NAME = re.compile(r"[0-9a-zA-Z_.-]{1,30}")
SAVE_S = 60.0
"""How long a trainer may take to save when the engine stops."""
ANSWER_S = 20.0
"""How long `stop` waits for the save before it answers."""
INSERT = (
    "INSERT INTO runs(project_id, name, model, state, step, steps, settings, plan, train_files, test_files, wanted, "
    "phase, attempts, journal_offset, created, parent, held_back) "
    "VALUES (?, ?, ?, 'queued', 0, ?, ?, ?, ?, ?, 'running', 'waiting', 0, 0, ?, ?, ?)"
)
_living: WeakKeyDictionary[Bus, dict[str, Follower]] = WeakKeyDictionary()


async def start(ctx: Context, request: wire.StartRun) -> wire.Run:
    """Plan a run and queue it. Raises BadRequest for too little data, a bad value or name, Conflict for a taken one."""
    prepared = await prepare(ctx, request)
    plan = prepared.plan
    beside.check(request, plan)
    name = request.name or await _free_name(ctx, prepared)
    check_name(name)
    try:
        await ctx.db.execute(
            INSERT,
            (
                ctx.project,
                name,
                plan.model,
                plan.steps,
                json.dumps(plan.settings),
                json.dumps(
                    {
                        "overridden": plan.overridden,
                        "duration_s": plan.duration_s,
                        "sentence": plan.sentence,
                        **beside.kept(request, plan),
                    }
                ),
                plan.train_files,
                plan.test_files,
                now(),
                prepared.parent.id if prepared.parent else None,
                request.only_if_better,
            ),
        )
    except sqlite3.IntegrityError as error:
        raise Conflict(f"There is a run called {name!r} already.", "Choose another name, or leave it out.") from error
    try:
        rival = await _rival(ctx, plan.model) if request.only_if_better else None
        await asyncio.to_thread(_write_folder, ctx, name, prepared, rival)
    except OSError as error:
        await ctx.db.execute("DELETE FROM runs WHERE name = ?", (name,))
        raise RefactError(
            f"The run's folder could not be written: {error.strerror or error}.", "Free some space."
        ) from error
    await warmup.make_way(ctx)
    return await _submit(ctx, name)


def check_name(name: str) -> None:
    """Raises BadRequest for what cannot be a run's name."""
    if not NAME.fullmatch(name) or name.strip(".") == "":
        raise BadRequest(f"{name!r} cannot be a run's name: 1 to 30 letters, digits, dots, dashes and underscores can.")


async def stop(ctx: Context, run: str) -> wire.Run:
    """Save and stop; returns when it has, or after a while as it stands. A run that has ended stays as it is."""
    row = await records.row_of(ctx, run)
    if row["state"] in records.ENDINGS:
        return records.to_wire(ctx, row)
    await records.change(ctx, run, wanted="stopped")
    job = records.to_wire(ctx, row).job
    follower = _followers(ctx).get(run)
    if follower:
        await follower.stop()
    if job is not None:
        await ctx.jobs.stop(job)
        try:
            await asyncio.wait_for(ctx.jobs.wait(job), ANSWER_S)
        except TimeoutError:
            return await get(ctx, run)
    if (await records.row_of(ctx, run))["state"] not in records.ENDINGS:
        await records.change(ctx, run, state="stopped", phase="", ended=now())
        await Follower(ctx, run).show()
    return await get(ctx, run)


async def resume(ctx: Context, run: str) -> wire.Run:
    """Go on with a run that stopped, paused or failed; one that lives or is done is returned as it is."""
    row = await records.row_of(ctx, run)
    if row["state"] == "done" or run in _followers(ctx):
        return records.to_wire(ctx, row)
    await records.change(
        ctx, run, wanted="running", state="queued", phase="waiting", reason=None, ended=None, attempts=0
    )
    await warmup.make_way(ctx)
    return await _submit(ctx, run)


async def list_runs(ctx: Context) -> list[wire.Run]:
    """The runs of the project, the newest first."""
    rows = await records.all_rows(ctx)
    return [records.to_wire(ctx, row) for row in rows if row["project_id"] == ctx.project]


async def get(ctx: Context, run: str) -> wire.Run:
    """One run. Raises NotFound."""
    return records.to_wire(ctx, await records.row_of(ctx, run))


async def metrics(ctx: Context, run: str, after: int | None = None) -> list[wire.Metric]:
    """Losses by step, with `after` only of later ones; step 0 is the base model's test loss. Raises NotFound."""
    row = await records.row_of(ctx, run)
    names = "step, train_loss, test_loss, learning_rate, tokens_per_s"
    asked = f"SELECT {names} FROM metrics WHERE run_id = ? AND step > ? ORDER BY step"
    rows = await ctx.db.fetch_all(asked, (row["id"], -1 if after is None else after))
    return [wire.Metric(**dict(one)) for one in rows]


async def log(ctx: Context, run: str) -> list[wire.LogLine]:
    """What happened in a run, in words, oldest first."""
    await records.row_of(ctx, run)
    folder = Folder(ctx.paths.runs / run)
    own, _ = await asyncio.to_thread(journal.read, folder.journal, 0, "step")
    notes, _ = await asyncio.to_thread(journal.read, folder.notes, 0)
    return sentences([*own, *notes])


async def recover(ctx: Context) -> None:
    """At engine start: trainers that live are adopted at once, runs that should be running are queued again."""
    for row in reversed(await records.all_rows(ctx)):
        if row["wanted"] != "running" or row["state"] in records.ENDINGS:
            continue
        alive = bool(row["pid"]) and adopt(row["pid"], row["pid_started"]) is not None
        if not alive:
            await records.change(ctx, row["name"], state="queued", phase="waiting")
        await _submit(ctx, row["name"], alive)


async def shutdown(ctx: Context) -> None:
    """The engine stops: trainers save and end, and their runs go on with the next engine."""
    followers = list(_followers(ctx).values())
    for follower in followers:
        follower.leaving = True
        await follower.stop()
    await asyncio.gather(*(_saved(follower) for follower in followers))


async def detach(ctx: Context) -> None:
    """The engine restarts: trainers train on, and the next engine adopts them."""
    for follower in _followers(ctx).values():
        follower.leaving = True
        await follower.drain()


async def _saved(follower: Follower) -> None:
    if child := follower.child:
        await child.stop(SAVE_S)
    await follower.drain()


async def _submit(ctx: Context, run: str, alive: bool = False) -> wire.Run:
    """Queue a run for its turn on the device; a trainer that is already at work needs no turn."""
    ctx = ctx.inside((await records.row_of(ctx, run))["project_id"])
    follower = Follower(ctx, run)
    living = _followers(ctx)
    living[run] = follower

    async def work(handle: JobHandle) -> None:
        try:
            await follower.work(handle)
            await _remember_rate(ctx, run)
        except asyncio.CancelledError:
            # The engine goes down: shutdown still needs to reach the trainer.
            raise
        except (RefactError, Stopped):
            living.pop(run, None)
            raise
        except Exception as error:
            living.pop(run, None)
            await records.change(ctx, run, state="failed", wanted="stopped", phase="", reason=f"{error!r}", ended=now())
            await beside.leave_room(ctx, run)
            await follower.show()
            raise
        living.pop(run, None)

    await ctx.jobs.submit("train", run, work, None if alive else "compute", ctx.project_name)
    await follower.show()
    return await get(ctx, run)


def _followers(ctx: Context) -> dict[str, Follower]:
    """The runs that this engine follows, by name."""
    return _living.setdefault(ctx.bus, {})


async def _remember_rate(ctx: Context, run: str) -> None:
    """Keep the speed of a finished run: the next plan counts with it."""
    row = await records.row_of(ctx, run)
    found = await ctx.db.fetch_one(
        "SELECT AVG(tokens_per_s) AS rate FROM metrics WHERE run_id = ? AND step > 2", (row["id"],)
    )
    if found and found["rate"]:
        await settings.set(ctx.db, rate_setting(row["model"]), round(found["rate"], 1))


async def _free_name(ctx: Context, prepared: Prepared) -> str:
    """The name of the source that gives most, and the next number."""
    source = Counter(file.source for file in prepared.files).most_common(1)[0][0]
    stem = re.sub(r"[^0-9a-zA-Z_.-]+", "-", source).strip(".-")[:24]
    taken = {row["name"] for row in await records.all_rows(ctx)}
    for number in range(1, 10_000):
        if (name := f"{stem or 'run'}-{number}") not in taken:
            return name
    return f"run-{datetime.now(UTC):%Y%m%d-%H%M%S}"


async def _rival(ctx: Context, model: str) -> wire.Checkpoint | None:
    """The checkpoint that is served now."""
    points = await made.list_checkpoints(ctx, everywhere=True)
    return next((one for one in points if one.served and one.model == model), None)


def _write_folder(ctx: Context, name: str, prepared: Prepared, rival: wire.Checkpoint | None) -> None:
    """Everything that the trainer is told. Raises OSError, having removed what it had begun."""
    folder = Folder(ctx.paths.runs / name)
    shutil.rmtree(folder.path, ignore_errors=True)
    try:
        folder.path.mkdir(mode=0o700)
        members = (Member(file.sha256, file.path, file.set, file.language, file.size) for file in prepared.files)
        write_manifest(folder.manifest, members)
        folder.write_job(job_of(ctx.paths, name, prepared, rival))
    except OSError:
        shutil.rmtree(folder.path, ignore_errors=True)
        raise
