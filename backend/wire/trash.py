"""What was deleted and can be brought back."""

from typing import Literal

from backend.wire.base import Struct

TrashKind = Literal["source", "run", "checkpoint", "project", "model", "server"]
"""`server` is the pinned key of a git server."""
TRASH_DAYS = 14
"""How long the trash keeps what was thrown into it."""


class Trashed(Struct, frozen=True, kw_only=True):
    """One thing in the trash."""

    id: str
    kind: TrashKind
    name: str
    project: str
    """The project that it belongs to; empty for what belongs to none."""
    thrown: str
    gone: str
    """When it will be gone for good."""
    size: int
    """Bytes on disk."""


class Restore(Struct, frozen=True, kw_only=True):
    """Bring something back."""

    kind: TrashKind | None = None
    """None: whatever has that name, the newest of them."""


class EmptyTrash(Struct, frozen=True, kw_only=True):
    """Let something be gone for good."""

    name: str | None = None
    """Name or id of one thing; None: all of them."""
