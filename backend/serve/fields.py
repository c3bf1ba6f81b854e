"""Values that the bodies of several dialects share, checked and brought into one form."""

from collections.abc import Iterable
from typing import TypeVar

from backend.errors import BadRequest

N = TypeVar("N", int, float)
MAX_STOPS = 16
MOST_TOKENS = 1_000_000
"""What may be asked for; the model's context ends an answer long before."""


def within(name: str, value: N | None, low: N, high: N, default: N) -> N:
    """The value, or the default for none. Raises BadRequest in words for one out of range."""
    if value is None:
        return default
    if not low <= value <= high:
        raise BadRequest(f"`{name}` is {value}; it must lie between {low} and {high}.")
    return value


def stop_texts(stop: str | Iterable[str] | None) -> tuple[str, ...]:
    """Stop texts, however many were given. Raises BadRequest for too many."""
    stops = (stop,) if isinstance(stop, str) else tuple(stop or ())
    if len(stops) > MAX_STOPS:
        raise BadRequest(f"`stop` may hold {MAX_STOPS} texts at most.")
    return stops


def seed_of(value: int | None, turn: int = 0) -> int | None:
    """A seed of any size as one that the worker takes; each choice of a request has its own `turn`."""
    return None if value is None else (value + turn) % 2**63
