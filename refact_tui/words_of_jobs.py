"""Jobs as the words and cells a person reads; pure."""

from collections.abc import Sequence
from datetime import datetime

from backend import wire
from refact_tui import words
from refact_tui.signs import clean
from refact_tui.state import ALIVE_JOBS
from refact_tui.widgets.listing import Cell, Column, Row
from refact_tui.words_of_sources import progress

COLUMNS = (
    Column("JOB", 12),
    Column("STATE", 10),
    Column("DONE", 5, right=True, rank=1),
    Column("LEFT", 5, right=True, rank=2),
    Column("WHEN", 8, rank=3),
)
EMPTY = (
    "No jobs since the engine started. Reading a source, scanning and training are jobs; they are begun in their rooms."
)
VERBS: dict[wire.JobKind, str] = {
    "source": "read",
    "scan": "scan",
    "train": "train",
    "model": "add",
    "export": "export",
    "night": "a night's training",
    "warmup": "measure",
}
NAMELESS: tuple[wire.JobKind, ...] = ("scan", "night")
"""A project has one of them only."""
STATES: dict[str, Cell] = {
    "queued": ("◌ queued", "muted"),
    "running": ("▶ running", "busy"),
    "done": ("✓ done", "good"),
    "stopped": ("· stopped", "muted"),
    "failed": ("✗ failed", "bad"),
}


def title(job: wire.Job, project: str = "") -> str:
    """`read billing-api`, or `scan`.

    `project` is the one that is shown, where there are several: a job of another says so."""
    said = VERBS[job.kind] if job.kind in NAMELESS else f"{VERBS[job.kind]} {clean(job.name)}"
    return f"{said} ({clean(job.project)})" if project and job.project != project else said


def job_rows(jobs: Sequence[wire.Job], project: str = "") -> list[Row]:
    """Jobs, the newest first."""
    return [
        Row(
            str(job.id),
            (
                (title(job, project), "plain"),
                STATES[job.state],
                (f"{min(100, job.done * 100 // job.total)}%" if job.total else words.NONE, "plain"),
                (words.duration(job.eta_s) if job.state == "running" else words.NONE, "plain"),
                (words.ago(job.ended or job.started or job.created), "muted"),
            ),
        )
        for job in sorted(jobs, key=lambda job: job.id, reverse=True)
    ]


def job_lines(job: wire.Job, width: int) -> list[Cell]:
    """What a job does, or how it ended."""
    if job.state == "running":
        return [(progress(job, width), "busy"), ("x stops it", "muted")]
    if job.state in ALIVE_JOBS:
        return [("waits for its turn; x takes it out of the queue", "muted")]
    said = clean(f"{job.message} {job.hint}".strip())
    lines: list[Cell] = [(said, "bad" if job.state == "failed" else "plain")] if said else []
    return [*lines, (f"{job.state} {words.ago(job.ended)}{_took(job)}", "muted")] if job.ended else lines


def _took(job: wire.Job) -> str:
    try:
        spent = datetime.fromisoformat(job.ended or "") - datetime.fromisoformat(job.started or "")
    except (ValueError, TypeError):  # it never started, or the two cannot be compared
        return ""
    return f", after {words.duration(spent.total_seconds())}"
