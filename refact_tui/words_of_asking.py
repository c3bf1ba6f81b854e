"""Questions about code, and who can be asked them, as the words and cells a person reads; pure."""

from collections.abc import Sequence

from backend import wire
from refact_tui import words
from refact_tui.registry import press
from refact_tui.signs import clean
from refact_tui.widgets.listing import Column, Row

COMMAND_COLUMNS = (Column("COMMAND", 10), Column("WHAT IT ASKS", 12), Column("LINES", right=True, rank=1))
MODEL_COLUMNS = (Column("MODEL", 12), Column("WHERE", 10))
ADD_ONE = f"""Add one that has one, an instruct model, and host it with {press("serve.host")} in Serve:
  refact-tui models add HUB_NAME --wait"""
ELSEWHERE = "Or choose a model of another server: what is asked of it leaves this box."


def command_rows(commands: Sequence[wire.ToolboxCommand]) -> list[Row]:
    """The toolbox, a command a line."""
    return [
        Row(one.name, ((clean(one.name), "plain"), (clean(one.title), "plain"), (_lines(one), "muted")))
        for one in commands
    ]


def model_rows(here: Sequence[str], there: Sequence[str]) -> list[Row]:
    """Who can be asked, those of other servers marked for what they are."""
    known = [Row(name, ((clean(name), "plain"), ("this box", "muted"))) for name in here]
    return known + [Row(name, ((clean(name), "plain"), ("leaves box", "busy"))) for name in there]


def about(code: str) -> str:
    """What the questions are about."""
    return words.plural(len(code.splitlines()), "line")


def nobody_chats(models: Sequence[wire.Model], elsewhere: bool = False) -> str:
    """Why nothing can be asked, and what to host; `elsewhere` says whether another server's model could be."""
    hosted = [clean(one.name) for one in models if one.hosted]
    ready = [clean(one.name) for one in models if one.state == "ready" and not one.hosted and "chat" in one.supports]
    why = f"{' and '.join(hosted) or 'What is hosted'} {'have' if len(hosted) > 1 else 'has'} no chat template"
    host = f"Host one that has one with {press('serve.host')} in Serve, {ready[0]} for instance." if ready else ADD_ONE
    return f"{why}, so nothing can be asked.\n{host}" + (f"\n{ELSEWHERE}" if elsewhere else "")


def said_note(said: wire.Said) -> str:
    """How long an answer is and what it took."""
    tokens = words.plural(said.tokens, "token")
    took = f"{said.total_ms / 1000:.1f} s" if said.total_ms < 10_000 else words.duration(said.total_ms / 1000)
    return f"{tokens}{', cut' if said.finish_reason == 'length' else ''} · {took}"


def _lines(one: wire.ToolboxCommand) -> str:
    return f"{one.fewest}-{one.most}" if one.most else "none"
