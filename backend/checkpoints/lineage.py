"""What taught a checkpoint: the very contents of its run, by name and hash."""

import asyncio

from backend import wire
from backend.checkpoints import catalog
from backend.context import Context
from backend.errors import NotFound
from backend.train.dataset import read_manifest
from backend.train.job import Folder


async def files(ctx: Context, name: str) -> list[wire.TaughtFile]:
    """Every file that the run of a checkpoint learnt from or was tested on. Raises BadRequest, NotFound."""
    point = await catalog.resolve(ctx, name)
    manifest = Folder(ctx.paths.runs / point.run).manifest
    try:
        members = await asyncio.to_thread(read_manifest, manifest)
    except FileNotFoundError as error:
        raise NotFound(f"The list of the files of {point.run} is missing.", f"It should be {manifest}.") from error
    return [wire.TaughtFile(path=one.path, sha256=one.sha256, set=one.set) for one in members]
