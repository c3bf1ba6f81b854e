"""Sources as the words and cells a person reads; pure."""

from collections.abc import Sequence

from rich.cells import cell_len

from backend import wire
from refact_tui import words
from refact_tui.registry import press
from refact_tui.signs import clean
from refact_tui.state import EngineState
from refact_tui.widgets.listing import Cell, Column, Row
from refact_tui.words_of_jobs import progress

COLUMNS = (
    Column("NAME", 8),
    Column("KIND", rank=4),
    Column("REF", rank=5),
    Column("SET", 5, rank=2),
    Column("FILES", 5, right=True, rank=3),
    Column("ACCEPTED", right=True, rank=1),
    Column("SYNCED", 8, rank=6),
    Column("STATE", 12),
)
SETS: tuple[wire.SetName, ...] = ("auto", "train", "test")
SET_WORDS = {
    "auto": "auto: its files are split into training and test",
    "train": "train: all of its files are trained on",
    "test": "test: none of its files are trained on, all of them measure",
}


def next_set(now: wire.SetName) -> wire.SetName:
    """The set that follows when `t` is pressed."""
    return SETS[(SETS.index(now) + 1) % len(SETS)]


def source_rows(state: EngineState, text: str = "") -> list[Row]:
    """The sources whose row has `text` in it, as they were added."""
    rows = [_row(source, state.job(source.job)) for source in state.sources]
    return [row for row in rows if text.casefold() in " ".join(cell for cell, _ in row.cells).casefold()]


def _row(source: wire.Source, job: wire.Job | None) -> Row:
    return Row(
        source.name,
        (
            (clean(source.name), "plain"),
            (source.kind, "muted"),
            (clean(source.branch or words.NONE), "muted"),
            (source.set, "plain"),
            (words.count(source.files), "plain"),
            (words.count(source.accepted), "plain"),
            (words.ago(source.synced), "muted"),
            state_cell(source, job),
        ),
    )


def state_cell(source: wire.Source, job: wire.Job | None) -> Cell:
    """A source's state as sign and word, short enough for a column."""
    if source.state == "ready":
        return f"✓ {clean(source.commit[:7])}" if source.commit else "✓ ready", "good"
    if source.state == "failed":
        return "✗ failed", "bad"
    if source.state == "queued" or job is None:
        return f"◌ {source.state}", "muted"
    share = f" {min(100, job.done * 100 // job.total)}%" if job.total else ""
    left = f" {words.duration(job.eta_s)}" if job.eta_s is not None else ""
    return f"◌ reading{share}{left}", "busy"


def detail_lines(source: wire.Source, state: EngineState, width: int) -> list[Cell]:
    """Where it comes from, by which key, what it is doing, and what became of it."""
    job = state.job(source.job)
    place = [clean(source.location)]
    if source.branch:
        place.append(f"branch {clean(source.branch)}")
    if source.subfolder:
        place.append(f"only {clean(source.subfolder)}")
    lines: list[Cell] = [("  ".join(place), "plain"), (SET_WORDS[source.set], "muted")]
    lines += trust_lines(source, state.credentials, width)
    if job is not None and job.state == "running":
        lines.append((progress(job, width), "busy"))
    elif source.state == "queued":
        lines.append(("waits for its turn", "muted"))
    if source.detail:
        sign = "✗" if source.state == "failed" else "!"
        lines.append((f"{sign} {clean(source.detail)}", "bad" if source.state == "failed" else "plain"))
    if source.state == "failed":
        lines.append((f"{press('sources.retry')} tries again, {press('sources.delete')} removes it", "muted"))
    elif source.synced:
        lines.append((f"read {words.ago(source.synced)} ({clean(source.synced[:19].replace('T', ' '))} UTC)", "muted"))
    return lines


def trust_lines(source: wire.Source, credentials: Sequence[wire.Credential], width: int) -> list[Cell]:
    """The key or token it is fetched with, and the server's pinned key; on one line where there is room."""
    said: list[Cell] = []
    if source.credential:
        one = next((one for one in credentials if one.name == source.credential), None)
        if one is None:
            said.append((f"key: {clean(source.credential)} is gone; make one of this name: 6", "bad"))
        else:
            mark = f" ({clean(one.fingerprint[:15])}…)" if one.fingerprint else ""
            said.append((f"{'token' if one.kind == 'token' else 'key'}: {clean(one.name)}{mark}", "muted"))
    if source.host_key:
        said.append((f"host key pinned: {clean(source.host_key)}", "muted"))
    whole = "   ".join(text for text, _ in said)
    fits = cell_len(whole) <= width and all(tone == "muted" for _, tone in said)
    return [(whole, "muted")] if said and fits else said


def next_step(sources: Sequence[wire.Source], scan: wire.Scan | None) -> str:
    """What to press next, while there is something to be done."""
    if any(source.state == "ready" for source in sources) and scan is None:
        return f"next: {press('frame.scan')}, then {press('scan.new')} to scan"
    return ""
