"""Who may ask for completions, and where they are asked for, on the wire."""

from backend.wire.base import Struct


class NewApiKey(Struct, frozen=True, kw_only=True):
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


class SetSetting(Struct, frozen=True, kw_only=True):
    value: str | None
    """None: back to the default."""
