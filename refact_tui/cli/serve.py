"""`use`, `complete`: what answers, and what it says."""

import sys
from pathlib import Path

import click

from backend import wire
from refact_tui.cli.engine_link import LONG_S, connect
from refact_tui.cli.output import emit, waiting
from refact_tui.cli.verbs import root, verb

CACHES = (
    "IDE plug-ins cache answers: type a few lines above, or use the plug-in's manual trigger, to see the difference."
)


@verb(root, "use")
@click.argument("what", metavar="off|latest-best|RUN:STEP")
@click.option("--model", help="Which hosted model; else the first.")
def use(what: str, model: str | None, as_json: bool) -> None:
    """Switch what a model answers with; returns when the switch has taken place."""
    request = use_of(what, model)
    with connect() as client, waiting("switching"):
        used = client.post("/use", request, wire.Used, timeout_s=LONG_S)
    emit(used, as_json, f"{used_text(used)}\n{CACHES}")


def use_of(what: str, model: str | None = None) -> wire.Use:
    """`off`, `latest-best` or a checkpoint's name as a request."""
    if what == "off":
        return wire.Use(mode="off", model=model)
    if what == "latest-best":
        return wire.Use(mode="latest-best", model=model)
    return wire.Use(mode="specific", checkpoint=what, model=model)


def used_text(used: wire.Used) -> str:
    """A switch in a sentence."""
    return (
        f"{used.model} now answers from {used.checkpoint or 'its base model'} (switched in {used.switched_ms:.0f} ms)."
    )


@verb(root, "complete")
@click.argument("place", required=False, metavar="[FILE:LINE:COL]")
@click.option("--model", help="MODEL, MODEL:base or MODEL:RUN:STEP; else what is served.")
@click.option("--max-tokens", type=click.IntRange(1, 4096), default=64, show_default=True)
@click.option("--suffix", default="", help="What stands behind the cursor.")
def complete(place: str | None, model: str | None, max_tokens: int, suffix: str, as_json: bool) -> None:
    """Complete the text on stdin, or at a place of a file (line and column count from 1)."""
    if place:
        prefix, suffix = split_at(place)
    else:
        if sys.stdin.isatty():
            raise click.UsageError("Give the text on stdin, or a place as FILE:LINE:COL.")
        prefix = sys.stdin.read()
    request = wire.Complete(prefix=prefix, suffix=suffix, model=model, max_tokens=max_tokens)
    with connect() as client, waiting("completing"):
        found = client.post("/complete", request, wire.Completion, timeout_s=LONG_S)
    emit(found, as_json, found.text, exact=True)


def split_at(place: str) -> tuple[str, str]:
    """What stands before and behind a place. Raises click.UsageError for a place that is none."""
    name, line, column = [*place.rsplit(":", 2), "", ""][:3]
    if not (line.isdigit() and column.isdigit() and int(line) > 0 and int(column) > 0):
        raise click.UsageError(f"{place!r} is no place; it looks like FILE:LINE:COL, counted from 1.")
    try:
        text = Path(name).read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise click.UsageError(f"{name} cannot be read: {error}.") from error
    lines = text.splitlines(keepends=True)
    if int(line) > len(lines) + 1:
        raise click.UsageError(f"{name} has {len(lines)} lines.")
    before = sum(map(len, lines[: int(line) - 1]))
    here = lines[int(line) - 1].rstrip("\r\n") if int(line) <= len(lines) else ""
    at = before + min(int(column) - 1, len(here))
    return text[:at], text[at:]
