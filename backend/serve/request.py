"""What every dialect turns its body into, and the pieces that come back."""

from typing import Literal

import msgspec

FinishReason = Literal["stop", "length"]
BASE = "base"
"""`MODEL:base` asks for the base model whatever is served."""


class CompletionRequest(msgspec.Struct, frozen=True, kw_only=True):
    """One completion of one prompt."""

    prompt: str
    marked: bool = False
    """The prompt is a conversation as `models.chat_template` lays it out: its special tokens count."""
    suffix: str | None = None
    """Text after the cursor; None or empty means plain continuation."""
    max_tokens: int = 64
    stop: tuple[str, ...] = ()
    """Texts that end the answer and are not part of it, wherever they fall within tokens."""
    temperature: float = 0.2
    """Below 0.01 the likeliest token is taken."""
    top_p: float = 1.0
    seed: int | None = None
    stream: bool = False
    """False: one Delta with the whole text at the end."""
    model: str = ""
    """Name of the hosted model; empty means the first one."""
    choice: str | None = None
    """None: what the model serves now; `base`; or `RUN:STEP`."""
    key: str = ""
    """Name of the API key that asks; empty without one."""
    logprobs: int | None = None
    """How many of the likeliest tokens are told beside each token of the answer; None tells no probabilities."""
    deadline_s: float = 300.0
    """Seconds from its arrival at the worker: an answer that has begun ends then, one that has not is refused."""


class Adapter(msgspec.Struct, frozen=True, kw_only=True):
    """A checkpoint as the worker needs it."""

    checkpoint: str
    """`RUN:STEP`."""
    path: str
    """A PEFT adapter folder."""


class TokenLogprob(msgspec.Struct, frozen=True):
    """One token of the answer and how likely it was: natural logarithms, before temperature and top_p."""

    token: str
    logprob: float
    top: tuple[tuple[str, float], ...] = ()
    """The likeliest tokens, the likeliest first."""


class Delta(msgspec.Struct, frozen=True, kw_only=True):
    """The next piece of an answer; `text` is empty only in the last one."""

    text: str
    tokens: int
    """Tokens generated so far."""
    finish_reason: FinishReason | None = None
    checkpoint: str | None = None
    """What answered: `RUN:STEP`, or None for the base model."""
    prompt_tokens: int = 0
    cut: bool = False
    """The prompt was too long, and text at its far ends was left out."""
    cached_tokens: int = 0
    """Tokens of the prompt that an earlier request had read already."""
    guessed_tokens: int = 0
    """Tokens of the answer that were guessed and found right, so that they took no step of their own."""
    first_token_ms: float | None = None
    """From the request's arrival at the worker to its first token; set in the last piece."""
    stop_text: str = ""
    """Which of the stop texts ended the answer; set in the last piece."""
    logprobs: tuple[TokenLogprob, ...] = ()
    """Of the tokens since the piece before, where the request asked for them."""


def split_model(name: str) -> tuple[str, str | None]:
    """`MODEL`, `MODEL:base` or `MODEL:RUN:STEP` as model and choice."""
    model, colon, choice = name.partition(":")
    return model, choice if colon else None


def named(model: str, checkpoint: str | None) -> str:
    """What answered, by a name under which it can be asked for again: `MODEL`, or `MODEL:RUN:STEP`."""
    return f"{model}:{checkpoint}" if checkpoint else model
