"""`stats`: what was asked for and how it was answered."""

import click

from backend import wire
from refact_tui import words
from refact_tui.cli.engine_link import connect
from refact_tui.cli.output import columns, emit
from refact_tui.cli.verbs import root, verb

HEAD = (
    "",
    "REQUESTS",
    "FAILED",
    "REFUSED",
    "LEFT",
    "TOKENS IN",
    "KNOWN",
    "OUT",
    "FIRST p50/p95",
    "ALL p50/p95",
    "TAKEN",
)


@verb(root, "stats")
@click.option("--days", type=click.IntRange(min=1), default=1, show_default=True, help="Today and the days before.")
def stats(days: int, as_json: bool) -> None:
    """Requests, tokens, times and what was accepted, by checkpoint and by key; days are UTC's."""
    with connect() as client:
        found = client.get("/stats", wire.Stats, days=days)
    rows = [(_name(one), *_cells(one)) for one in found.checkpoints]
    keys = [(f"key {one.key}" if one.key else "without a key", *_cells(one)) for one in found.keys]
    table = columns([*rows, *keys, ("altogether", *_cells(found.total))], HEAD)
    emit(found, as_json, table if rows else f"Nothing was asked for since {found.since}.")


def _name(one: wire.Usage) -> str:
    return f"{one.model}:{one.checkpoint}" if one.checkpoint else one.model


def _cells(one: wire.Usage) -> tuple[str, ...]:
    return (
        *(words.count(number) for number in (one.requests, one.failed, one.refused, one.cancelled)),
        words.count(one.prompt_tokens),
        words.percent(one.cached_tokens / one.prompt_tokens if one.prompt_tokens else None),
        words.count(one.completion_tokens),
        _times(one.first_token_ms_p50, one.first_token_ms_p95),
        _times(one.total_ms_p50, one.total_ms_p95),
        words.percent(one.acceptance),
    )


def _times(median: float | None, high: float | None) -> str:
    return words.NONE if median is None or high is None else f"{median:.0f} / {high:.0f} ms"
