"""Values that the bodies of several dialects share, checked and brought into one form."""

from collections.abc import Iterable
from typing import Any, TypeVar

import msgspec

from backend.errors import BadRequest

N = TypeVar("N", int, float)
MAX_STOPS = 16
MOST_TOKENS = 1_000_000
"""What may be asked for; the model's context ends an answer long before."""


class Sampled(msgspec.Struct, frozen=True, kw_only=True):
    """How tokens are to be chosen, by the names that nearly every dialect has for it."""

    temperature: float | None = None
    top_p: float | None = None
    stop: str | list[str] | None = None
    seed: int | None = None


class OpenAiForm(Sampled, frozen=True, kw_only=True):
    """What bodies of OpenAI's form have in common."""

    model: str | None = None
    max_tokens: int | None = None
    max_completion_tokens: int | None = None
    stream: bool | None = None


def sampling(body: Sampled) -> dict[str, Any]:
    """Stop texts, temperature and top_p as a completion request has them. Raises BadRequest in words."""
    return {
        "stop": stop_texts(body.stop),
        "temperature": within("temperature", body.temperature, 0.0, 4.0, 0.2),
        "top_p": within("top_p", body.top_p, 0.0, 1.0, 1.0),
    }


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
