"""Going on from a checkpoint: the shape that its adapters have, and the files that it has never seen; torch-free."""

import asyncio
import hashlib
import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from backend.context import Context
from backend.errors import BadRequest, NotFound
from backend.scan.results import AcceptedFile
from backend.train import made
from backend.train.dataset import read_manifest
from backend.train.job import Folder
from backend.train.settings import BY_NAME

SHAPE = ("lora_r", "lora_alpha", "target_modules", "train_embeddings")
"""Settings that the adapters of a checkpoint fix for whatever goes on from it."""


@dataclass(frozen=True)
class Parent:
    """A checkpoint to go on from."""

    id: str
    model: str
    path: Path
    shape: dict[str, Any]
    contents: frozenset[str]
    """Sha256 of all that its run has learnt from."""


async def parent_of(ctx: Context, name: str) -> Parent:
    """The checkpoint RUN:STEP with what it fixes. Raises NotFound, BadRequest where it cannot be read."""
    for one in await made.list_checkpoints(ctx, everywhere=True):
        if one.id == name:
            try:
                return await asyncio.to_thread(_read, one.id, one.model, Path(one.path), ctx.paths.runs / one.run)
            except (OSError, ValueError, KeyError) as error:
                raise BadRequest(f"{name} cannot be gone on from: {error}.", "Start a new run without it.") from error
    raise NotFound(f"There is no checkpoint {name}.", "See `refact-tui checkpoints list`.")


def _read(name: str, model: str, path: Path, run: Path) -> Parent:
    settings = json.loads((path / "meta.json").read_text())["settings"]
    shape = {setting: settings.get(setting, BY_NAME[setting].default) for setting in SHAPE}
    taught = frozenset(one.sha256 for one in read_manifest(Folder(run).manifest) if one.set == "train")
    return Parent(name, model, path, shape, taught)


def inherit(parent: Parent, overrides: dict[str, Any]) -> dict[str, Any]:
    """The overrides with the parent's shape. Raises BadRequest for one that says otherwise."""
    for name, value in parent.shape.items():
        if name in overrides and overrides[name] != value:
            raise BadRequest(
                f"{name} is {overrides[name]!r}, but the adapters of {parent.id} have {value!r}.",
                "Leave it out, or start a new run.",
            )
    return {**overrides, **parent.shape}


def what_is_new(files: list[AcceptedFile], parent: Parent) -> list[AcceptedFile]:
    """Training files that the parent has not seen, and as many that it has, lest it forget; all test files.

    Raises BadRequest where there is nothing new."""
    train = [file for file in files if file.set == "train" and file.size > 0]
    new = [file for file in train if file.sha256 not in parent.contents]
    if not new:
        raise BadRequest(f"There is nothing that {parent.id} has not learnt from.", "Sync the sources and scan again.")
    known = sorted((file for file in train if file.sha256 in parent.contents), key=lambda one: _chance(parent, one))
    chosen = {file.sha256 for file in (*new, *known[: len(new)])}
    return [file for file in files if file.set == "test" or file.sha256 in chosen]


def _chance(parent: Parent, file: AcceptedFile) -> bytes:
    return hashlib.sha256(f"{parent.id}:{file.sha256}".encode()).digest()
