"""What this engine is made of and where its things lie: what a report of a mistake has to say."""

import asyncio
import os
import platform
import shutil
from importlib import metadata
from pathlib import Path

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from backend import __version__, wire
from backend.context import Context
from backend.control.answers import answer, context
from backend.models import catalog
from backend.scan.linguist import tables
from backend.store import trash

PROGRAM = "refact-tui"
LIBRARIES = ("torch", "transformers", "peft", "accelerate", "tokenizers")
"""That compute; they are asked for by name only, since an engine never loads them."""


async def about(request: Request) -> Response:
    """GET /about"""
    return answer(await asyncio.to_thread(described, context(request)))


def described(ctx: Context) -> wire.About:
    """Versions, licences, and places with what they take on disk; looks at every file of the state folder."""
    paths = ctx.paths
    return wire.About(
        version=__version__,
        licence=_licence(),
        made_of={
            "linguist data": tables.notice(),
            "starter model": f"made by this program, {catalog.starter().licence}",
        },
        python=platform.python_version(),
        libraries={name: _version(name) for name in LIBRARIES},
        system=f"{platform.system()} {platform.release()} {platform.machine()}, {os.cpu_count()} cores",
        home=str(paths.home),
        home_bytes=on_disk(paths.home),
        free_bytes=shutil.disk_usage(paths.home).free,
        trash_bytes=sum(one.size for one in trash.everything(paths)),
        database=str(paths.database),
        log=str(paths.engine_log),
        socket=str(paths.socket),
        endpoint=ctx.public_url,
    )


def on_disk(folder: Path) -> int:
    """Bytes that a folder takes, links not followed; what vanishes meanwhile is left out."""
    taken = 0
    for place, _, names in os.walk(folder):
        for name in names:
            try:
                taken += os.lstat(os.path.join(place, name)).st_blocks * 512  # noqa: PTH118 (a million files)
            except OSError:
                continue
    return taken


def _version(package: str) -> str:
    try:
        return metadata.version(package)
    except metadata.PackageNotFoundError:
        return ""


def _licence() -> str:
    try:
        found = metadata.metadata(PROGRAM)
    except metadata.PackageNotFoundError:
        return ""
    return str(next(iter(found.get_all("License-Expression") or ()), ""))


ROUTES = [Route("/about", about)]
