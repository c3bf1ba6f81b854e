"""Adds base models: from the hub or from a folder, each downloaded and checked by a job."""

import asyncio
import os
import re
import shutil
import time
from collections.abc import AsyncGenerator, Awaitable, Callable
from contextlib import aclosing
from dataclasses import replace
from pathlib import Path
from typing import Any

from backend import settings, wire
from backend.context import Context
from backend.errors import BadRequest, Conflict, RefactError
from backend.jobs.queue import JobHandle
from backend.jobs.records import Task
from backend.jobs.records import records as processes
from backend.jobs.states import Stopped
from backend.models import families, records
from backend.models.catalog import STARTER, from_json
from backend.models.families import OwnModel
from backend.models.records import LIVING, Row
from backend.store.database import now

NAME = re.compile(r"[0-9A-Za-z_][0-9A-Za-z_.-]*(/[0-9A-Za-z_][0-9A-Za-z_.-]*){0,2}")
LONGEST_NAME = 60
HUB = re.compile(r"[A-Za-z0-9][\w.-]{0,95}/[A-Za-z0-9][\w.-]{0,95}", re.ASCII)
OFFLINE = "models.offline"
"""Setting: nothing is downloaded."""
ENVIRONMENT = {"TOKENIZERS_PARALLELISM": "true", "HF_HUB_DISABLE_TELEMETRY": "1", "TRANSFORMERS_VERBOSITY": "error"}
TokenOf = Callable[[str], Path]
"""The file of a token by its credential's name; raises NotFound."""


async def add(ctx: Context, request: wire.AddModel, token_of: TokenOf) -> wire.Model:
    """Record a model and begin to download and check it; one that did not come through is taken up again.

    Raises BadRequest for what cannot be one, Conflict for a taken name, NotFound for a credential that is gone."""
    own = families.read(ctx.paths.models_toml).models
    said = own.get(request.what) or own.get(request.name or "") or OwnModel()
    named = request.what in own
    what = (said.what if named else request.what) or ""
    if not what:
        raise BadRequest(f"models.toml does not say where {request.what!r} is.", 'Add a line what = "…" to it.')
    name = request.name or (request.what if named else _own_name(what))
    if not NAME.fullmatch(name) or len(name) > LONGEST_NAME or ".." in name:
        raise BadRequest(f"{name!r} cannot be a model's name.", "Give it one: --name NAME (letters, digits, . - _ /).")
    credential = request.credential or said.credential
    row = Row(
        name=name,
        kind="folder" if what.startswith("/") else "hub",
        location=what,
        revision=request.revision or said.revision,
        commit_sha=None,
        path="",
        family=request.family or said.family,
        credential=credential,
        allow_pickle=_either(request.allow_pickle, said.allow_pickle),
        trust_remote_code=_either(request.trust_remote_code, said.trust_remote_code),
        state="queued",
        detail="",
        found=None,
        added=now(),
    )
    row = _placed(ctx, row)
    if row.kind == "hub":
        await _refuse_offline(ctx, row)
    if credential:
        token_of(credential)
    before = await records.row_of(ctx, name)
    _refuse_taken(ctx, row, before)
    if before and (before.location, before.kind) != (row.location, row.kind):
        await asyncio.to_thread(_forget_files, ctx, before)
    await records.write(ctx, replace(row, added=before.added) if before else row)
    await _submit(ctx, name, token_of)
    return await records.get_wire(ctx, name)


def _either(asked: bool | None, said: bool | None) -> bool:
    return bool(said if asked is None else asked)


def _own_name(what: str) -> str:
    """The last part of a hub's name or a path, in small letters and without what a name cannot hold."""
    last = what.rstrip("/").rpartition("/")[2].lower()
    return re.sub(r"[^0-9a-z_.-]+", "-", last).strip(".-")[:LONGEST_NAME] or "model"


def _placed(ctx: Context, row: Row) -> Row:
    """With the folder where it lies or will lie. Raises BadRequest for a path that is no folder, or no hub's name."""
    if row.kind == "folder":
        if not Path(row.location).is_dir():
            raise BadRequest(
                f"{row.location} is no folder.", "A model is a folder with config.json, weights, tokenizer."
            )
        if row.revision or row.credential:
            raise BadRequest("A folder has no revisions and needs no credential.", "Leave both out.")
        return replace(row, path=str(Path(row.location).resolve()))
    if not HUB.fullmatch(row.location):
        raise BadRequest(
            f"{row.location!r} is neither a folder of this box nor a model's name on the hub.",
            "Names look like bigcode/starcoder2-3b, paths begin with /.",
        )
    return replace(row, path=str(_download_folder(ctx, row.name)), revision=row.revision or "main")


def _download_folder(ctx: Context, name: str) -> Path:
    # Python takes dots in a folder's name for packages where a model brings code of its own.
    return ctx.paths.models / re.sub(r"[^0-9A-Za-z_-]", "_", name.replace("/", "--"))


async def _refuse_offline(ctx: Context, row: Row) -> None:
    said = os.environ.get("HF_HUB_OFFLINE", "").strip().upper() in {"1", "ON", "YES", "TRUE"}
    if said or await settings.get(ctx.db, OFFLINE):
        why = "HF_HUB_OFFLINE is set" if said else f"the setting {OFFLINE} is on"
        raise BadRequest(
            f"{row.location} would have to be downloaded, and this box stays offline: {why}.",
            "Copy the model's folder to this box and add its path.",
            code="offline",
        )


def _refuse_taken(ctx: Context, row: Row, before: Row | None) -> None:
    if row.name == STARTER:
        raise Conflict(f"{STARTER} is the name of the model that is always there.", "Choose another with --name.")
    if before and before.state == "ready":
        raise Conflict(
            f"There is a model called {row.name!r} already.", "Remove that one, or choose another name with --name."
        )
    if any(job.state in LIVING for job in records.jobs_of(ctx, row.name)):
        raise Conflict(f"{row.name} is being added.", "Wait for it, or stop its job.")


def _forget_files(ctx: Context, row: Row) -> None:
    if row.kind == "hub" and Path(row.path).parent == ctx.paths.models:
        shutil.rmtree(row.path, ignore_errors=True)


async def recover(ctx: Context, token_of: TokenOf) -> None:
    """At the engine's start: what was being added when the last one ended is taken up again."""
    await records.restore(ctx)
    for row in await records.rows(ctx):
        if row.state in ("queued", "downloading", "checking"):
            await _submit(ctx, row.name, token_of)


async def _submit(ctx: Context, name: str, token_of: TokenOf) -> None:
    await ctx.jobs.submit("model", name, _adding(ctx, name, token_of))
    await records.publish(ctx)


def _adding(ctx: Context, name: str, token_of: TokenOf) -> Callable[[JobHandle], Awaitable[None]]:
    async def work(handle: JobHandle) -> None:
        try:
            await _add(ctx, handle, name, token_of)
        except Stopped:
            await _become(ctx, name, "stopped", "Stopped; what had come is kept. Add it again to go on.")
            raise
        except RefactError as error:
            await _become(ctx, name, "failed", f"{error.message} {error.hint}".strip())
            raise

    return work


async def _become(ctx: Context, name: str, state: wire.ModelState, detail: str = "", **more: Any) -> None:
    await records.change(ctx, name, state=state, detail=detail, **more)
    await records.publish(ctx)


async def _add(ctx: Context, handle: JobHandle, name: str, token_of: TokenOf) -> None:
    row = await records.row_of(ctx, name)
    if row is None:
        raise Stopped
    wanted = {
        "name": name,
        "path": row.path,
        "origin": row.location,
        "family": row.family,
        "allow_pickle": row.allow_pickle,
        "trust_remote_code": row.trust_remote_code,
    }
    job: dict[str, Any] = {"wanted": wanted, "own": str(ctx.paths.models_toml)}
    if row.kind == "hub":
        await _become(ctx, name, "downloading")
        token = str(token_of(row.credential)) if row.credential else ""
        told = {"hub": row.location, "revision": row.revision, "token": token, "credential": row.credential or ""}
        await _download(ctx, handle, name, {**job, "download": told})
    await _become(ctx, name, "checking")
    handle.phase("checking")
    async with aclosing(_records(ctx, handle, job)) as found:
        async for record in found:
            if record["kind"] == "described":
                size = f"{record['parameters'] / 1e6:,.0f} M parameters" if record["parameters"] else "the model"
                handle.progress(message=f"checking {size}")
            elif record["kind"] == "found":
                ctx.models[name] = from_json(record["info"])
                await records.change(ctx, name, found=record["info"])
    await _become(ctx, name, "ready")


async def _download(ctx: Context, handle: JobHandle, name: str, job: dict[str, Any]) -> None:
    begun: tuple[float, int] | None = None
    async with aclosing(_records(ctx, handle, job)) as found:
        async for record in found:
            if record["kind"] == "commit":
                await records.change(ctx, name, commit_sha=record["commit"])
            elif record["kind"] == "progress":
                done, total = record["done"], record["total"]
                begun = begun or (time.monotonic(), done)
                spent = time.monotonic() - begun[0]
                rate = (done - begun[1]) / spent if spent > 1 and done > begun[1] else None
                eta = (total - done) / rate if rate else None
                handle.progress(
                    done=done, total=total, rate=rate, unit="bytes", eta_s=eta, message=f"downloading {record['file']}"
                )


def _records(ctx: Context, handle: JobHandle, job: dict[str, Any]) -> AsyncGenerator[dict[str, Any], None]:
    ctx.paths.models.mkdir(mode=0o700, exist_ok=True)
    task = Task(
        module="backend.models",
        file=ctx.paths.models / f".job-{handle.id}.json",
        log=ctx.paths.logs / "models.log",
        name="The process that adds models",
        again="Add the model again: what has come is kept.",
        env=ENVIRONMENT,
    )
    return processes(ctx.paths, handle, task, job)
