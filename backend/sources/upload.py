"""What is sent instead of named: kept in the state home under a name of ours, then a source like any other file."""

import asyncio
import re
import secrets
import shutil
from collections.abc import AsyncIterator
from pathlib import Path

from backend import wire
from backend.context import Context
from backend.errors import BadRequest, RefactError, TooLarge
from backend.sources import catalog
from backend.sources.members import MOST_BYTES
from backend.sources.recognise import name_of

UNSAFE = re.compile(r"[^\w.+-]+", re.ASCII)
LONGEST_NAME = 100


async def receive(ctx: Context, name: str, set_name: wire.SetName, pieces: AsyncIterator[bytes]) -> wire.Source:
    """Keep what comes and add it; `name` tells what it is, as `x.tgz` or `main.py.gz` do.

    Raises BadRequest for an empty one, TooLarge past the limit, RefactError where the disk has no room."""
    folder = ctx.paths.uploads / secrets.token_hex(8)
    path = folder / (UNSAFE.sub("-", name)[-LONGEST_NAME:].strip("-.") or "upload")
    try:
        await asyncio.to_thread(folder.mkdir, parents=True, mode=0o700)
        await _write(path, pieces)
        return await catalog.add(ctx, wire.AddSource(what=str(path), name=name_of(name), set=set_name))
    except BaseException as error:
        await asyncio.to_thread(shutil.rmtree, folder, ignore_errors=True)
        if isinstance(error, OSError):
            raise RefactError(f"It could not be kept: {error.strerror or error}.", "Free some space.") from error
        raise


async def _write(path: Path, pieces: AsyncIterator[bytes]) -> None:
    size = 0
    with path.open("wb") as file:
        async for piece in pieces:
            size += len(piece)
            if size > MOST_BYTES:
                raise TooLarge(f"It is larger than {MOST_BYTES // 1024**3} GiB.", "Send it in parts.")
            await asyncio.to_thread(file.write, piece)
    if not size:
        raise BadRequest("Nothing came: standard input was empty.", "Send a file: … add - --name x.tgz < x.tgz")


async def clear(ctx: Context) -> None:
    """At the engine's start: what a dead engine left half received belongs to no source and is removed."""
    rows = await ctx.db.fetch_all("SELECT location FROM sources")
    kept = {Path(row["location"]).parent.name for row in rows}
    for folder in await asyncio.to_thread(lambda: list(ctx.paths.uploads.iterdir())):
        if folder.name not in kept:
            await asyncio.to_thread(shutil.rmtree, folder, ignore_errors=True)
