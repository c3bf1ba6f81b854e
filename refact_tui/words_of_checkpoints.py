"""Checkpoints and what the hosted models answer with, as the words and cells a person reads; pure."""

import sys
from collections.abc import Sequence

from rich.cells import cell_len

from backend import wire
from refact_tui import words
from refact_tui.signs import clean
from refact_tui.widgets.listing import Column, Row
from refact_tui.words_of_runs import evaluation_lines, pair, share

BASE = "base"

CHECKPOINT_COLUMNS = (
    Column("CHECKPOINT", 12),
    Column("TEST LOSS", right=True),
    Column("vs BASE", right=True, rank=1),
    Column("EXACT MATCH", rank=2),
    Column("EDIT SIM", rank=3),
    Column("SIZE", right=True, rank=5),
    Column("MADE", rank=4),
)


def checkpoint_rows(
    checkpoints: Sequence[wire.Checkpoint], runs: Sequence[wire.Run], serving: wire.Serving | None
) -> list[Row]:
    """The newest checkpoint first, the base model last; `★` best of its run, `▲` served, `◆` pinned."""
    by_run = {run.run: run for run in runs}
    rows = [
        _checkpoint_row(point, by_run.get(point.run or point.id.rpartition(":")[0]))
        for point in sorted(checkpoints, key=lambda point: point.made, reverse=True)
    ]
    if serving is not None or rows:
        rows.append(_base_row(checkpoints, runs, serving))
    return rows


def _checkpoint_row(point: wire.Checkpoint, run: wire.Run | None) -> Row:
    signs = ("★" if point.best else " ") + ("▲" if point.served else " ") + ("◆" if point.pinned else "")
    found = point.evaluation
    base = point.base_loss if point.base_loss is not None else run.test_loss.base if run else None
    better = point.test_loss is not None and base is not None and point.test_loss < base
    return Row(
        point.id,
        (
            (f"{clean(point.id)} {signs}", "good" if point.served else "plain"),
            (words.loss(point.test_loss), "plain"),
            (words.change(point.test_loss, base), "good" if better else "plain"),
            (pair(found.exact_match, words.percent) if found else "–", "plain"),
            (pair(found.edit_similarity, share) if found else "–", "plain"),
            (words.size(point.size), "muted"),
            (words.ago(point.made), "muted"),
        ),
    )


def _base_row(checkpoints: Sequence[wire.Checkpoint], runs: Sequence[wire.Run], serving: wire.Serving | None) -> Row:
    newest = max(runs, key=lambda run: run.created, default=None)
    loss = newest.test_loss.base if newest else None
    if loss is None:
        loss = next((point.base_loss for point in checkpoints if point.base_loss is not None), None)
    found = next((run.evaluation for run in runs if run.evaluation is not None), None)
    served = serving is not None and serving.checkpoint is None
    return Row(
        BASE,
        (
            (f"{BASE}  {'▲' if served else ' '}", "good" if served else "plain"),
            (words.loss(loss), "plain"),
            ("–", "muted"),
            (words.percent(found.exact_match.base) if found else "–", "plain"),
            (share(found.edit_similarity.base) if found else "–", "plain"),
            ("–", "muted"),
            ("–", "muted"),
        ),
    )


BASE_LINES = ["the model as it came, without fine-tuning", "enter serves it: the same as `off`"]


def detail_lines(point: wire.Checkpoint, run: wire.Run | None, width: int = sys.maxsize) -> list[str]:
    """What is worth knowing of one checkpoint, aligned; its path in `width` cells, else whole."""
    lines = [
        f"run     {clean(point.run)}" + (f", step {point.step} of {run.steps}, {run.state}" if run else ""),
        f"model   {clean(point.model)}",
        f"made    {words.ago(point.made)} ({clean(point.made[:19].replace('T', ' '))} UTC), {words.size(point.size)}",
        f"path    {clean(short_path(point.path, width - 8))}",
    ]
    if point.evaluation is not None:
        lines += evaluation_lines(point.evaluation)
    return lines


def short_path(path: str, width: int) -> str:
    """A path as its end, where all of it has no place; `y` copies all of it."""
    return path if cell_len(path) <= width else "…/" + "/".join(path.split("/")[-4:])


def completion_note(found: wire.Completion) -> str:
    """Who completed, and how fast."""
    who = clean(found.checkpoint or BASE)
    return f"{who} · {found.tokens} tokens · first after {found.first_token_ms:.0f} ms · {found.total_ms:.0f} ms"


def who_and_when(found: wire.Completion) -> str:
    """As short as a half of the screen wants it."""
    return f"{clean(found.checkpoint or BASE)} · {found.tokens} tokens · {found.total_ms:.0f} ms"


def radio_line(serving: wire.Serving) -> str:
    """`starter serves:  ( ) off  (•) latest best  ( ) specific`."""
    choices = (("off", "off"), ("latest-best", "latest best"), ("specific", "specific"))
    marks = "  ".join(f"({'•' if serving.mode == mode else ' '}) {label}" for mode, label in choices)
    served = f"   → {clean(serving.checkpoint)}" if serving.checkpoint else ""
    return f"{clean(serving.model)} serves:  {marks}{served}"


def used_line(used: wire.Used) -> str:
    """What a switch has done."""
    what = clean(used.checkpoint) if used.checkpoint else "the base model"
    return (
        f"serving {what} · switched in {used.switched_ms:.0f} ms · {used.dropped} requests dropped"
        " · IDEs cache answers: use the manual trigger to see the change"
    )


def served_words(used: wire.Used) -> str:
    """What a model answers with since a switch."""
    return f"{clean(used.model)} serves {clean(used.checkpoint) if used.checkpoint else 'the base model'}"
