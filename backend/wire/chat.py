"""Questions about code on the wire, and models elsewhere."""

from typing import Literal

import msgspec

from backend.wire.base import Struct


class ToolboxCommand(Struct, frozen=True, kw_only=True):
    """One of the questions that may be asked about code."""

    name: str
    title: str
    fewest: int
    """Lines of code that it wants."""
    most: int
    words: bool = False
    """It wants the user's own words too: what is to be done."""


class Turn(Struct, frozen=True, kw_only=True):
    """What was said before in a conversation."""

    role: Literal["user", "assistant"]
    text: str


class Ask(Struct, frozen=True, kw_only=True):
    """A question for a model that chats."""

    command: str | None = None
    """Of the toolbox; None: only what is said."""
    code: str = ""
    file: str = ""
    line: int = 0
    """Where the code begins in the file, from 1."""
    said: str = ""
    """The user's own words; they follow the command's."""
    before: list[Turn] = msgspec.field(default_factory=list)
    """The conversation that it goes on with, the oldest first."""
    model: str | None = None
    """`MODEL`, `MODEL:base`, `MODEL:RUN:STEP` or `SERVER/MODEL`; None: the first that was taught to chat."""
    max_tokens: int = 1024
    temperature: float = 0.2


class Said(Struct, frozen=True, kw_only=True):
    """A model's answer."""

    text: str
    model: str
    tokens: int
    total_ms: float
    leaves_box: bool = False
    finish_reason: Literal["stop", "length"] = "stop"


class ModelElsewhere(Struct, frozen=True, kw_only=True):
    """A model of another server: what is asked of it leaves this box."""

    name: str
    server: str
    """Its address."""
    chat: bool
    completion: bool
    credential: str = ""
