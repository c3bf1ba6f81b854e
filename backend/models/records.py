"""Base models as rows and as wire structs; those that are ready are kept in the context, for every room."""

import logging
import sqlite3
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import msgspec

from backend import wire
from backend.context import Context
from backend.errors import NotFound
from backend.models.catalog import STARTER, ModelInfo, from_json, list_models, starter

log = logging.getLogger("refact.models")
LIVING = ("queued", "running")


@dataclass(frozen=True)
class Row:
    """One added model, whether it is ready or not."""

    name: str
    kind: wire.ModelKind
    location: str
    revision: str | None
    commit_sha: str | None
    path: str
    family: str | None
    credential: str | None
    allow_pickle: bool
    trust_remote_code: bool
    state: wire.ModelState
    detail: str
    found: str | None
    added: str


async def rows(ctx: Context) -> list[Row]:
    """Every added model, the oldest first."""
    return [_row(one) for one in await ctx.db.fetch_all("SELECT * FROM models ORDER BY added, name")]


async def row_of(ctx: Context, name: str) -> Row | None:
    """One of them, if there is such a one."""
    found = await ctx.db.fetch_one("SELECT * FROM models WHERE name = ?", (name,))
    return _row(found) if found else None


async def write(ctx: Context, row: Row) -> None:
    """Keep a row in the place of the one of its name."""
    values = row.__dict__
    names, marks = ", ".join(values), ", ".join("?" for _ in values)
    await ctx.db.execute(f"INSERT OR REPLACE INTO models({names}) VALUES ({marks})", tuple(values.values()))


async def change(ctx: Context, name: str, **values: Any) -> None:
    """Set columns of a model."""
    names = ", ".join(f"{column} = ?" for column in values)
    await ctx.db.execute(f"UPDATE models SET {names} WHERE name = ?", (*values.values(), name))


async def restore(ctx: Context) -> None:
    """At the engine's start: what was found in every model that is ready."""
    ctx.models.clear()
    for row in await rows(ctx):
        if row.state != "ready" or not row.found:
            continue
        try:
            ctx.models[row.name] = from_json(row.found)
        except msgspec.DecodeError as error:
            log.warning("what was found in the model %s cannot be read: %s", row.name, error)


async def list_wire(ctx: Context) -> list[wire.Model]:
    """Every model as clients see it, the starter first."""
    infos = {info.name: info for info in list_models(ctx)}
    own = to_wire(ctx, infos[STARTER], {"location": str(starter().path)})
    return [own, *(_shown(ctx, row, infos.get(row.name)) for row in await rows(ctx))]


async def get_wire(ctx: Context, name: str) -> wire.Model:
    """One model. Raises NotFound, naming those that there are."""
    models = await list_wire(ctx)
    for model in models:
        if model.name == name:
            return model
    raise NotFound(f"There is no model called {name!r}.", f"Models: {', '.join(one.name for one in models)}.")


async def publish(ctx: Context) -> None:
    """Tell every client which models there are."""
    ctx.bus.publish("models", {"models": await list_wire(ctx)})


def jobs_of(ctx: Context, name: str) -> list[wire.Job]:
    """The jobs that download and check a model, oldest first."""
    return [job for job in ctx.jobs.list() if job.kind == "model" and job.name == name]


def to_wire(ctx: Context, info: ModelInfo, more: Mapping[str, Any]) -> wire.Model:
    """What was found in a model, and what `more` is known of it."""
    hosted = ctx.hosts.models() if ctx.hosts else []
    found: dict[str, Any] = {
        "name": info.name,
        "family": info.family,
        "parameters": info.parameters,
        "context": info.context,
        "loss_threshold": info.loss_threshold,
        "hosted": info.name in hosted,
        "path": str(info.path),
        "layout": info.fim_layout,
        "marks": list(info.fim_marks),
        "bos": info.bos,
        "eot": info.eot,
        "stops": list(info.stops),
        "supports": list(info.supports),
        "licence": info.licence,
        "architecture": info.architecture,
        "dtype": info.dtype,
        "size": info.size,
        "hidden_size": info.hidden_size,
        "layers": info.layers,
        "vocab_size": info.vocab_size,
        "targets": list(info.linear),
        "languages": None if info.languages is None else list(info.languages),
        "learning_rate": info.learning_rate,
        "chat_template": info.chat,
        "detail": " ".join(info.notes),
    }
    return wire.Model(**{**found, **more})


def _shown(ctx: Context, row: Row, info: ModelInfo | None) -> wire.Model:
    jobs = jobs_of(ctx, row.name)
    more: dict[str, Any] = {
        "kind": row.kind,
        "state": row.state,
        "location": row.location,
        "revision": row.revision,
        "commit": row.commit_sha,
        "allow_pickle": row.allow_pickle,
        "trust_remote_code": row.trust_remote_code,
        "credential": row.credential,
        "added": row.added,
        "job": jobs[-1].id if jobs else None,
    }
    if info:
        return to_wire(ctx, info, more)
    bare = {"family": row.family or "", "parameters": 0, "context": 0, "loss_threshold": 0.0, "hosted": False}
    return wire.Model(**{**bare, **more, "name": row.name, "path": row.path, "detail": row.detail})


def _row(found: sqlite3.Row) -> Row:
    values = dict(found)
    flags = {name: bool(values[name]) for name in ("allow_pickle", "trust_remote_code")}
    return Row(**{**values, **flags})
