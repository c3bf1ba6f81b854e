"""Who may ask for completions, and where they are asked for, on the wire."""

import msgspec

from backend.wire.base import Fate, Outcome, Struct


class NewApiKey(Struct, frozen=True, kw_only=True):
    """Make an API key, with limits of its own."""

    name: str
    requests_per_minute: int | None = None
    """None: as many as the box can answer."""
    concurrent: int | None = None
    """Requests under way at once; None: any number."""


class ApiKey(Struct, frozen=True, kw_only=True):
    """One API key; the key itself is not kept."""

    name: str
    hint: str
    """How the key begins, to tell it from others."""
    created: str
    last_used: str | None = None
    """To the minute."""
    requests_per_minute: int | None = None
    concurrent: int | None = None


class MadeApiKey(ApiKey, frozen=True, kw_only=True):
    """The one answer that holds a key."""

    key: str


class ServeSetting(Struct, frozen=True, kw_only=True):
    """One setting of the endpoint."""

    name: str
    value: str
    default: str
    meaning: str
    at_once: bool
    """False: it takes effect when the engine starts again."""
    limits: str = ""
    """What it may be, in words."""
    choices: list[str] = msgspec.field(default_factory=list)
    """Where it can be one of a few only."""
    overruled: str = ""
    """`VARIABLE=value` of the engine's environment, where that counts before it."""


class SetSetting(Struct, frozen=True, kw_only=True):
    """Change a setting of the endpoint."""

    value: str | None
    """None: back to the default."""


class Usage(Struct, frozen=True, kw_only=True):
    """What was asked for and how it was answered: of one model and checkpoint, of one key, or altogether."""

    model: str = ""
    checkpoint: str | None = None
    """`RUN:STEP`; None for the base model."""
    key: str = ""
    requests: int = 0
    failed: int = 0
    refused: int = 0
    """There were too many at once."""
    cancelled: int = 0
    """The client left before the end."""
    prompt_tokens: int = 0
    cached_tokens: int = 0
    """Of the prompt tokens, read by an earlier request."""
    completion_tokens: int = 0
    shown: int = 0
    """By editors that tell."""
    taken: int = 0
    dismissed: int = 0
    first_token_ms_p50: float | None = None
    first_token_ms_p95: float | None = None
    total_ms_p50: float | None = None
    total_ms_p95: float | None = None
    acceptance: float | None = None
    """The share of what was shown that was taken, 0..1."""


class Stats(Struct, frozen=True, kw_only=True):
    """What was asked in the last days, and how it was answered."""

    days: int
    since: str
    """The first of the days (UTC)."""
    total: Usage
    checkpoints: list[Usage]
    """By model and checkpoint."""
    keys: list[Usage]


class Asked(Struct, frozen=True, kw_only=True):
    """One request of late; what it said is not kept."""

    number: int
    at: str
    """When it ended."""
    key: str
    """Name of the API key; empty without one."""
    model: str
    """Empty where it was refused before anybody knew."""
    checkpoint: str | None
    outcome: Outcome
    prompt_tokens: int
    tokens: int
    first_token_ms: float | None
    total_ms: float
    fate: Fate | None = None
    """What the editor's user did with it, where the editor tells."""
