"""What is in the trash as the words and cells a person reads; pure."""

from collections.abc import Sequence
from datetime import UTC, datetime

from backend import wire
from refact_tui import words
from refact_tui.signs import clean
from refact_tui.widgets.listing import Cell, Column, Row

COLUMNS = (
    Column("NAME", 12),
    Column("WHAT", 10),
    Column("PROJECT", rank=3),
    Column("SIZE", right=True, rank=1),
    Column("DELETED", rank=2),
    Column("KEPT FOR", rank=0),
)
EMPTY = (
    f"The trash is empty. What is deleted in the other rooms lies here for {wire.TRASH_DAYS} days: sources, projects, "
    "runs, checkpoints, models, and keys of git servers. Tokens, SSH keys and API keys never do: they are gone at once."
)
KINDS: dict[str, str] = {"server": "server's key"}


def kind(one: wire.Trashed) -> str:
    """What it is: `run`, `server's key`."""
    return KINDS.get(one.kind, one.kind)


def left(one: wire.Trashed, now: datetime | None = None) -> str:
    """How long it will still be there: `13d4h`; a dash where nobody knows."""
    try:
        gone = datetime.fromisoformat(one.gone)
    except ValueError:
        return words.NONE
    return words.duration((gone - (now or datetime.now(UTC))).total_seconds())


def rows(trash: Sequence[wire.Trashed]) -> list[Row]:
    """The newest first."""
    return [
        Row(
            one.id,
            (
                (clean(one.name), "plain"),
                (kind(one), "muted"),
                (clean(one.project) or words.NONE, "muted"),
                (words.size(one.size), "plain"),
                (words.ago(one.thrown), "muted"),
                (left(one), "muted"),
            ),
        )
        for one in trash
    ]


def whole(trash: Sequence[wire.Trashed]) -> str:
    """What it holds, what that takes, and how long it stays."""
    if not trash:
        return f"each thing is kept for {wire.TRASH_DAYS} days"
    taken = words.size(sum(one.size for one in trash))
    return f"{words.plural(len(trash), 'thing')} · {taken} on disk · each kept for {wire.TRASH_DAYS} days"


def lines(one: wire.Trashed) -> list[Cell]:
    """One thing in sentences."""
    what = f"{kind(one)}" + (f" of the project {clean(one.project)}" if one.project else "")
    when = clean(one.gone[:16].replace("T", " "))
    back = f"refact-tui trash restore {clean(one.name)}"
    return [
        (f"{what}, {words.size(one.size)} on disk; gone for good {when} UTC", "plain"),
        (f"from the shell: {back}", "muted"),
    ]
