"""What is asked of checkpoints and of what serves them."""

from typing import Literal

import msgspec

from backend.wire.base import ServeMode, Struct


class Export(Struct, frozen=True, kw_only=True):
    """Write a checkpoint out."""

    path: str = ""
    """A new folder; empty: one in the state home."""
    merged: bool = False
    """The whole model instead of the adapter."""


class Exported(Struct, frozen=True, kw_only=True):
    """An export under way, and the job by which to follow it."""

    path: str
    merged: bool
    job: int


class NewName(Struct, frozen=True, kw_only=True):
    """What a thing is to be called from now on."""

    name: str


class Pin(Struct, frozen=True, kw_only=True):
    """Whether a checkpoint is kept whatever its loss."""

    pinned: bool


class Use(Struct, frozen=True, kw_only=True):
    """What a hosted model is to answer with; `model` None: the first that is hosted."""

    mode: ServeMode
    checkpoint: str | None = None
    model: str | None = None


class Used(Struct, frozen=True, kw_only=True):
    """What it answers with now; `dropped`: requests that the switch has cost."""

    model: str
    mode: ServeMode
    checkpoint: str | None
    switched_ms: float
    dropped: int = 0


class Complete(Struct, frozen=True, kw_only=True):
    """A place to be completed, as the screen and the shell ask."""

    prefix: str
    suffix: str = ""
    model: str | None = None
    """`MODEL` or `MODEL:RUN:STEP`; None is what is served. `MODEL:base` is the base whatever is served."""
    max_tokens: int = 64
    temperature: float = 0.0
    top_p: float = 1.0
    stop: list[str] = msgspec.field(default_factory=list)
    wanted: str | None = None
    """What the developer wrote there; the answer is judged by it as an evaluation would."""


class Completion(Struct, frozen=True, kw_only=True):
    """What stands there by the model."""

    text: str
    model: str
    checkpoint: str | None
    tokens: int
    first_token_ms: float
    total_ms: float
    finish_reason: Literal["stop", "length"] = "stop"
    exact: bool | None = None
    """Whether it is what was wanted; None where nothing was."""
    similarity: float | None = None
    """Edit similarity to it, 0..1."""
