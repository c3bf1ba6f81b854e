"""Hosted models, API keys and requests as the words and cells a person reads; pure."""

from collections.abc import Sequence
from datetime import datetime

from rich.cells import cell_len

from backend import wire
from refact_tui import words
from refact_tui.registry import press
from refact_tui.signs import clean
from refact_tui.state import COMING
from refact_tui.widgets.listing import Cell, Column, Row, Tone
from refact_tui.words_of_checkpoints import BASE
from refact_tui.words_of_jobs import progress
from refact_tui.words_of_runs import state

SERVING_COLUMNS = (
    Column("MODEL", 8),
    Column("SERVES", 6),
    Column("DEVICE", rank=7),
    Column("SHARE", rank=9),
    Column("DTYPE", rank=8),
    Column("CONTEXT", right=True, rank=6),
    Column("MEMORY", right=True, rank=3),
    Column("STATE", 7),
    Column("REQ/S", right=True, rank=5),
    Column("FIRST TOKEN p50/p95", rank=1),
    Column("ACCEPTED", right=True, rank=2),
)
KEY_COLUMNS = (
    Column("NAME", 8),
    Column("KEY", rank=3),
    Column("MADE", rank=4),
    Column("LAST USED", 9),
    Column("A MINUTE", right=True, rank=2),
    Column("AT ONCE", right=True, rank=1),
)
REQUEST_COLUMNS = (
    Column("TIME UTC", 8),
    Column("CLIENT", 6),
    Column("MODEL", rank=5),
    Column("CHECKPOINT", 6, rank=2),
    Column("IN", right=True, rank=4),
    Column("OUT", right=True, rank=3),
    Column("FIRST", right=True, rank=1),
    Column("ALL", right=True),
    Column("ENDED", 9),
)
USAGE_COLUMNS = (
    Column("CHECKPOINT", 10),
    Column("REQUESTS", right=True),
    Column("FAILED", right=True, rank=6),
    Column("LEFT", right=True, rank=7),
    Column("TOKENS", right=True, rank=3),
    Column("KNOWN", right=True, rank=4),
    Column("FIRST p50/p95", right=True, rank=1),
    Column("ALL p50/p95", right=True, rank=5),
    Column("ACCEPTED", right=True, rank=2),
)
NO_KEYS = (
    f"No API keys yet. Press {press('serve.new')} to make one "
    "for each person or program that asks from another machine."
)
NO_REQUESTS = "Nothing was asked for since the engine started. Connect an IDE says how to, Try it does so here."
CLOSED = (
    "Only this box is served, and needs no key. To serve others: make a key, then refact-tui engine restart "
    "--host 0.0.0.0"
)
OPEN = "Other machines are served with a key; this box itself needs none."
ENDED: dict[str, tuple[str, Tone]] = {
    "done": ("✓", "good"),
    "failed": ("✗ failed", "bad"),
    "refused": ("✗ too many", "bad"),
    "cancelled": ("left", "muted"),
}
FATES: dict[str, tuple[str, Tone]] = {
    "shown": ("✓ shown", "good"),
    "taken": ("✓ accepted", "good"),
    "dismissed": ("✓ dismissed", "muted"),
}


def serving_rows(serving: Sequence[wire.Serving]) -> list[Row]:
    """The hosted models with what they answer with."""
    return [
        Row(
            host.model,
            (
                (clean(host.model), "plain"),
                (clean(host.checkpoint or BASE), "good"),
                (clean(host.device) or words.NONE, "muted"),
                (("yes" if host.placement.share else "no") if host.device.startswith("GPU") else words.NONE, "muted"),
                (clean(host.dtype) or words.NONE, "muted"),
                (str(host.context) if host.context else words.NONE, "plain"),
                (words.size(host.memory_bytes) if host.memory_bytes else words.NONE, "muted"),
                host_state(host),
                (f"{host.requests_per_s:.1f}" if host.state == "ready" else words.NONE, "plain"),
                (times(host.first_token_ms_p50, host.first_token_ms_p95), "plain"),
                (words.percent(host.acceptance), "plain"),
            ),
        )
        for host in serving
    ]


def host_state(host: wire.Serving, now: datetime | None = None) -> Cell:
    """A state as sign and word, with how far it is while the model is on its way, or since when."""
    if host.state == "downloading":
        return f"◌ downloading {clean(host.detail)}".rstrip(), "busy"
    said, tone = state(host.state)
    since = words.seconds_since(host.since, now) if host.state in COMING else None
    return (said if since is None else f"{said} {words.duration(since)}", tone)


def coming_lines(jobs: Sequence[wire.Job], width: int) -> list[str]:
    """Models that are being added, a line of `width` cells each: how much has come, what is being checked."""
    lines = []
    for job in jobs:
        if job.kind == "model":
            name = f"◌ {clean(job.name)}: "
            lines.append(name + progress(job, width - cell_len(name)))
    return lines


def trouble(serving: Sequence[wire.Serving], under: str | None) -> Cell:
    """Why a model does not answer, and what to press: of the one under the cursor, or else of the first such."""
    silent = sorted(
        (host for host in serving if host.detail and host.state in ("failed", "paused")),
        key=lambda host: host.model != under,
    )
    if not silent:
        return "", "muted"
    host = silent[0]
    if host.state == "paused":
        return f"‖ {clean(host.detail)}", "muted"
    todo = f"{press('serve.retry')} loads it again, {press('serve.place')} places it elsewhere"
    return f"✗ {clean(host.model)}: {clean(host.detail)} · {todo}", "bad"


def elsewhere_rows(models: Sequence[wire.ModelElsewhere]) -> list[Row]:
    """Models of other servers, marked for what they are."""
    nothing: Cell = (words.NONE, "muted")
    return [
        Row(
            one.name,
            ((clean(one.name), "plain"), *[nothing] * 6, ("leaves box", "busy"), *[nothing] * 3),
        )
        for one in models
    ]


def key_rows(keys: Sequence[wire.ApiKey]) -> list[Row]:
    """API keys, the oldest first."""
    return [
        Row(
            one.name,
            (
                (clean(one.name), "plain"),
                (f"{clean(one.hint)}…", "muted"),
                (clean(one.created[:10]) or words.NONE, "muted"),
                (words.ago(one.last_used), "plain") if one.last_used else ("never", "muted"),
                _limit(one.requests_per_minute),
                _limit(one.concurrent),
            ),
        )
        for one in keys
    ]


def revoke_words(one: wire.ApiKey) -> str:
    """The question before a key is revoked."""
    used = f"used {words.ago(one.last_used)}" if one.last_used else "never used"
    return (
        f"Revoke the key of {clean(one.name)} ({clean(one.hint)}…, {used})?\n"
        "Whoever sends it is refused from the next request on; it cannot be brought back."
    )


def request_rows(asked: Sequence[wire.Asked]) -> list[Row]:
    """Requests, the newest first."""
    return [
        Row(
            str(one.number),
            (
                (clean(one.at[11:19]), "muted"),
                (clean(one.key), "plain") if one.key else (words.NONE, "muted"),
                (clean(one.model) or words.NONE, "plain"),
                (clean(one.checkpoint or BASE) if one.model else words.NONE, "plain"),
                (words.count(one.prompt_tokens or None), "muted"),
                (words.count(one.tokens or None), "plain"),
                (_ms(one.first_token_ms), "plain"),
                (_ms(one.total_ms), "plain"),
                FATES[one.fate] if one.fate else ENDED[one.outcome],
            ),
        )
        for one in asked
    ]


def usage_rows(stats: wire.Stats) -> list[Row]:
    """What was asked for of each checkpoint, and altogether where there are several."""
    named = [(f"{one.model}:{one.checkpoint}" if one.checkpoint else one.model, one) for one in stats.checkpoints]
    if len(named) > 1:
        named.append(("altogether", stats.total))
    return [Row(name, (((clean(name)), "plain"), *_usage(one))) for name, one in named]


def times(median: float | None, high: float | None) -> str:
    """Two percentiles in milliseconds."""
    return words.NONE if median is None or high is None else f"{median:.0f} / {high:.0f} ms"


def _usage(one: wire.Usage) -> tuple[Cell, ...]:
    known = one.cached_tokens / one.prompt_tokens if one.cached_tokens else None
    return (
        (words.count(one.requests), "plain"),
        (words.count(one.failed + one.refused), "bad" if one.failed + one.refused else "muted"),
        (words.count(one.cancelled), "muted"),
        (words.count(one.completion_tokens), "plain"),
        (words.percent(known), "plain"),
        (times(one.first_token_ms_p50, one.first_token_ms_p95), "plain"),
        (times(one.total_ms_p50, one.total_ms_p95), "plain"),
        (words.percent(one.acceptance), "plain"),
    )


def _limit(number: int | None) -> Cell:
    return (words.count(number), "plain") if number else (words.NONE, "muted")


def _ms(value: float | None) -> str:
    return words.NONE if value is None else f"{value:.0f} ms" if value < 10_000 else words.duration(value / 1000)
