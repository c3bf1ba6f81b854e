"""The states of a job and the moves between them that exist."""

from backend.wire import JobState

MOVES: dict[JobState, frozenset[JobState]] = {
    "queued": frozenset({"running", "stopped", "failed"}),
    "running": frozenset({"done", "stopped", "failed"}),
    "done": frozenset(),
    "stopped": frozenset(),
    "failed": frozenset(),
}


class Stopped(Exception):
    """Raised by a job's work when it ends because it was told to."""


def ended(state: JobState) -> bool:
    """Whether nothing follows this state."""
    return not MOVES[state]


def check(before: JobState, after: JobState) -> None:
    """Raises ValueError for a move that does not exist."""
    if after not in MOVES[before]:
        raise ValueError(f"a job cannot become {after} after {before}")
