"""What a run learnt from and was tested on: the very contents by name and hash, in pages, and each as it was."""

import asyncio
from collections.abc import Callable
from pathlib import Path
from typing import TypeVar

import msgspec

from backend import wire
from backend.context import Context
from backend.errors import BadRequest, NotFound
from backend.scan import results
from backend.scan.text import decode
from backend.store.content import ContentStore
from backend.train import records
from backend.train.dataset import Member
from backend.train.job import Folder

T = TypeVar("T")
LONGEST_PAGE = 100_000
PREVIEW = 200_000
"""Characters of a text that is shown."""
_line = msgspec.json.Decoder(Member)


async def members(ctx: Context, run: str) -> list[Member]:
    """Every file of a run. Raises NotFound for an unknown run, or where its list is gone."""
    return await _with_list(ctx, run, _every)


async def page(ctx: Context, run: str, *, set: str | None, text: str, limit: int, offset: int) -> wire.TaughtPage:
    """Those of one set, or all, that have `text` in their path. Raises as `members`, BadRequest for a bad page."""
    if not 1 <= limit <= LONGEST_PAGE or offset < 0:
        raise BadRequest(f"A page has 1 to {LONGEST_PAGE:,} files from 0 on, not {limit} from {offset}.")
    shown, total = await _with_list(ctx, run, lambda path: _part(path, set, text.lower(), limit, offset))
    return wire.TaughtPage(
        rows=[wire.TaughtFile(path=one.path, sha256=one.sha256, set=one.set) for one in shown],
        total=total,
        after=offset + limit if offset + limit < total else None,
    )


async def preview(ctx: Context, run: str, sha256: str) -> wire.FilePreview:
    """One file as the run had it; with the scan's findings where the same file is still among the sources.

    Raises NotFound."""
    member = next((one for one in await members(ctx, run) if one.sha256 == sha256), None)
    if member is None:
        raise NotFound(f"{run} has no file with the content {sha256[:12]}.")
    if (number := await results.number_of(ctx, sha256, member.path)) is not None:
        return await results.preview(ctx, number)
    data = await asyncio.to_thread(_content, ctx.paths.content, sha256)
    whole = (decode(data) or "") if data else ""
    return wire.FilePreview(
        file=wire.ScannedFile(
            id=0,
            path=member.path,
            source=run,
            language=None,
            size=len(data or b""),
            verdict="accepted",
            reason=None,
            detail="",
            loss=None,
            set="test" if member.set == "test" else "train",
        ),
        text=whole[:PREVIEW],
        note="As the run had it; no source has it like this any more." if data else "Its content is no longer kept.",
    )


async def _with_list(ctx: Context, run: str, read: Callable[[Path], T]) -> T:
    """What `read` makes of the list of a run's files, in a thread. Raises NotFound."""
    await records.row_of(ctx, run)
    manifest = Folder(ctx.paths.runs / run).manifest
    try:
        return await asyncio.to_thread(read, manifest)
    except FileNotFoundError as error:
        raise NotFound(f"The list of the files of {run} is missing.", f"It should be {manifest}.") from error


def _every(manifest: Path) -> list[Member]:
    # A line at a time: one call for all of them would hold up the engine's other threads.
    with manifest.open("rb") as lines:
        return [_line.decode(line) for line in lines]


def _part(manifest: Path, set: str | None, text: str, limit: int, offset: int) -> tuple[list[Member], int]:
    """The page, and how many there are. What is not narrowed is only counted, not read."""
    if set is None and not text:
        with manifest.open("rb") as lines:
            raw = lines.readlines()
        return [_line.decode(line) for line in raw[offset : offset + limit]], len(raw)
    found = [one for one in _every(manifest) if set in (None, one.set) and text in one.path.lower()]
    return found[offset : offset + limit], len(found)


def _content(path: Path, sha256: str) -> bytes | None:
    if not path.exists():
        return None
    store = ContentStore(path, read_only=True)
    try:
        return store.get(sha256)
    finally:
        store.close()
