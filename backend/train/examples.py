"""The places that a run's evaluation asks for, with what was written there, for a person to see; torch-free."""

import asyncio
from collections.abc import Sequence

from backend import wire
from backend.context import Context
from backend.errors import BadRequest, NotFound
from backend.models.tokenizer import load_tokenizer
from backend.train import held_out, taught
from backend.train.dataset import Member, Texts
from backend.train.job import Folder
from backend.train.places import LONGEST, Kind, around, choose

MOST = 500
HALF = "\ufffd"
"""What is left of a character where the text around a place was cut within it."""
STOPS: dict[Kind, list[str]] = {"line": ["\n"], "lines": []}


async def places(ctx: Context, run: str, count: int, beside: Sequence[str] = ()) -> list[wire.HeldOutPlace]:
    """At most `count` places of the run, none in a file that a run of `beside` has learnt from.

    Raises NotFound for an unknown run, or where no such place is left, BadRequest for a count that cannot be."""
    if not 1 <= count <= MOST:
        raise BadRequest(f"1 to {MOST} places can be shown, not {count}.")
    members = await taught.members(ctx, run)
    learnt: set[str] = set()
    for other in beside:
        learnt |= {one.sha256 for one in await taught.members(ctx, other) if one.set == "train"}
    test = [one for one in members if one.set == "test" and one.sha256 not in learnt]
    found = await asyncio.to_thread(_choose, Folder(ctx.paths.runs / run), test, count) if test else []
    if not found:
        raise NotFound(
            f"No held-out place of {run} can be shown: every file of it is gone, or was learnt from.",
            "Compare on text of your own.",
        )
    return found


def _choose(folder: Folder, test: list[Member], count: int) -> list[wire.HeldOutPlace]:
    job = folder.read_job()
    info, seed = job.info(), int(job.settings["seed"])
    texts = Texts(folder.path / job.content, test)
    try:
        files = held_out.chosen(texts, seed)
    finally:
        texts.close()
    tokenizer, context = load_tokenizer(info), int(job.settings["context"])
    chosen = choose([text for _, text in files], info, tokenizer, context, count, seed)
    found = []
    for place in chosen:
        member, text = files[place.file]
        span = (place.at, place.at + len(place.text))
        prefix, suffix = map(tokenizer.decode, around(text, span, place.kind, tokenizer, context))
        found.append(
            wire.HeldOutPlace(
                path=member.path,
                line=text.count("\n", 0, place.at) + 1,
                prefix=prefix.lstrip(HALF),
                suffix=suffix.rstrip(HALF),
                wanted=place.text,
                max_tokens=LONGEST[place.kind],
                stop=STOPS[place.kind],
            )
        )
    return found
