"""Jobs as the words and cells a person reads; pure."""

from collections.abc import Sequence
from datetime import datetime

from rich.cells import cell_len

from backend import wire
from refact_tui import words
from refact_tui.registry import press
from refact_tui.signs import clean
from refact_tui.state import ALIVE_JOBS, EngineState
from refact_tui.widgets.listing import Cell, Column, Row

COLUMNS = (
    Column("JOB", 12),
    Column("STATE", 10),
    Column("DONE", 5, right=True, rank=1),
    Column("LEFT", 5, right=True, rank=2),
    Column("WHEN", 8, rank=3),
)
EMPTY = (
    f"No jobs since the engine started. Reading a source ({press('frame.sources')}), scanning "
    f"({press('frame.scan')}) and training ({press('frame.train')}) are jobs; they are begun in their rooms and "
    "stopped here or there."
)
PLURALS = {"source": "sources being read", "model": "models being added"}
GOING_ON = {
    "train": "training job",
    "scan": "scan",
    "source": "source being read",
    "model": "model being added",
    "export": "export",
    "night": "night's training",
    "warmup": "measurement",
}
VERBS: dict[wire.JobKind, str] = {
    "source": "read",
    "scan": "scan",
    "train": "train",
    "model": "add",
    "export": "export",
    "night": "a night's training",
    "warmup": "measure",
}
DOING: dict[wire.JobKind, str] = {
    "source": "reading",
    "scan": "scanning",
    "train": "training",
    "model": "adding",
    "export": "exporting",
    "night": "at work",
    "warmup": "measuring",
}
SHORTEST_BAR, LONGEST_BAR = 6, 20
"""Cells."""
ROOMS: dict[wire.JobKind, str] = {
    "source": "sources",
    "scan": "scan",
    "train": "train",
    "model": "serve",
    "export": "checkpoints",
    "night": "train",
}
"""Where one sees what a job does; what is measured for a plan is seen in the plan."""
NAMELESS: tuple[wire.JobKind, ...] = ("scan", "night")
"""A project has one of them only."""
AGAIN: dict[wire.JobKind, str] = {
    "source": f"to try again: {press('frame.sources')}, then {press('sources.retry')}",
    "scan": f"to try again: {press('frame.scan')}, then {press('scan.new')}",
    "train": f"to go on with it: {press('frame.train')}, then {press('train.resume')}",
    "export": f"to try again: {press('frame.checkpoints')}, then {press('checkpoints.export')}",
    "model": "to try again: refact-tui models add",
}
"""What to do about one that failed."""
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


def just_ended(before: Sequence[wire.Job], now: Sequence[wire.Job]) -> list[wire.Job]:
    """The jobs that have come to an end by themselves, well or not."""
    alive = {job.id for job in before if job.state in ALIVE_JOBS}
    return [job for job in now if job.id in alive and job.state in ("done", "failed")]


def ended_words(job: wire.Job, project: str = "") -> str:
    """How a job ended, in a sentence."""
    if job.state == "failed":
        return f"{title(job, project)} failed: {clean(f'{job.message} {job.hint}'.strip())}"
    return f"{title(job, project)} is done."


def progress(job: wire.Job, width: int, now: datetime | None = None) -> str:
    """What a job does and how far it is, in `width` cells: a bar where its end is known, how fast, since when, ETA.

    Where there is no room for all of it, it is not said since when, then not how fast."""
    if job.state == "queued":
        return clean(job.message) or "waits for its turn"
    said = clean(job.message) or DOING[job.kind]
    since, parts = words.seconds_since(job.started, now), [said]
    for rate, elapsed in ((job.rate, since), (job.rate, None), (None, None)):
        parts = [said, *words.pace(job.done, job.total, clean(job.unit), rate, elapsed, job.eta_s)]
        if cell_len("  ".join(parts)) <= width:
            break
    room = width - cell_len("  ".join(parts)) - 2
    if job.total and room >= SHORTEST_BAR:
        wide = min(LONGEST_BAR, room)
        parts.insert(1, words.gauge(job.done / job.total, wide))
    return "  ".join(parts)


def job_rows(jobs: Sequence[wire.Job], project: str = "") -> list[Row]:
    """Jobs, the newest first."""
    return [
        Row(
            str(job.id),
            (
                (title(job, project), "plain"),
                STATES[job.state],
                (_done(job), "plain"),
                (words.duration(job.eta_s) if job.state == "running" else words.NONE, "plain"),
                (words.ago(job.ended or job.started or job.created), "muted"),
            ),
        )
        for job in sorted(jobs, key=lambda job: job.id, reverse=True)
    ]


def _done(job: wire.Job) -> str:
    if job.state == "done":
        return "100%"
    return f"{min(100, job.done * 100 // job.total)}%" if job.total else words.NONE


def job_lines(job: wire.Job, width: int) -> list[Cell]:
    """What a job does, or how it ended."""
    if job.state == "running":
        return [(progress(job, width), "busy"), (f"{press('system.stop')} stops it", "muted")]
    if job.state in ALIVE_JOBS:
        return [(f"waits for its turn; {press('system.stop')} takes it out of the queue", "muted")]
    said = clean(f"{job.message} {job.hint}".strip())
    lines: list[Cell] = [(said, "bad" if job.state == "failed" else "plain")] if said else []
    ended = f"{job.state} {words.ago(job.ended)}{_took(job)}" if job.ended else ""
    again = AGAIN.get(job.kind, "") if job.state == "failed" else ""
    last = " · ".join(filter(None, (ended, again)))
    return [*lines, (last, "muted")] if last else lines


def _took(job: wire.Job) -> str:
    try:
        spent = datetime.fromisoformat(job.ended or "") - datetime.fromisoformat(job.started or "")
    except (ValueError, TypeError):  # it never started, or the two cannot be compared
        return ""
    return f", after {words.duration(spent.total_seconds())}"


def farewell(state: EngineState) -> str:
    """The last words: what goes on without us."""
    if state.link != "up":
        return "Detached. The engine did not answer when you left; refact-tui status asks it again."
    counts = {kind: sum(job.kind == kind for job in state.alive) for kind in GOING_ON}
    going = [words.plural(number, GOING_ON[kind], PLURALS.get(kind, "")) for kind, number in counts.items() if number]
    return f"Detached. The engine keeps running: {', '.join(going) or 'nothing to do just now'}."


def stop_words(job: wire.Job) -> str:
    """The question before a run is stopped."""
    return f"Stop {title(job)}? It saves first; {press('train.resume')} in Train resumes it."
