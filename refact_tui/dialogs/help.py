"""What a room is for and what every key does there, made from the registry of keys."""

from typing import ClassVar

from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Vertical, VerticalScroll
from textual.content import Content
from textual.screen import ModalScreen
from textual.widgets import Static

from refact_tui import keys
from refact_tui.registry import Registry


class HelpDialog(ModalScreen[None]):
    """The help of one room; esc closes it."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("escape,question_mark,q,f1", "close", "close", id="help.close"),
        Binding("j", "scroll(1)", "down", show=False),
        Binding("k", "scroll(-1)", "up", show=False),
    ]
    DEFAULT_CSS = """
    HelpDialog {
        align: center middle;
        & > Vertical { width: 76; max-width: 100%; height: auto; max-height: 100%; }
        & > Vertical { border: round $primary; padding: 0 1; background: $surface; }
        VerticalScroll { height: auto; max-height: 100%; }
    }
    """

    def __init__(self, noun: str, registry: Registry) -> None:
        super().__init__()
        self._noun = noun
        self._registry = registry

    def compose(self) -> ComposeResult:
        with Vertical() as box:
            box.border_title = keys.BY_NOUN[self._noun].title
            box.border_subtitle = "esc close"
            with VerticalScroll():
                yield Static(help_text(self._noun, self._registry))

    def action_close(self) -> None:
        self.dismiss(None)

    def action_scroll(self, by: int) -> None:
        self.query_one(VerticalScroll).scroll_relative(y=by, animate=False)


def help_text(noun: str, registry: Registry) -> Content:
    """The words and keys of a room, then the keys of every room."""
    parts: list[str | tuple[str, str]] = [keys.BY_NOUN[noun].about, "\n\n"]
    known = registry.of_room(noun)
    tabs = [(tab, [key for key in known if key.tab == tab]) for tab in ("", *keys.BY_NOUN[noun].tabs)]
    for title, group in (*tabs, ("Everywhere", registry.everywhere())):
        if not group:
            continue
        if title:
            parts += ["\n", (title, "bold"), "\n"]
        said = ""
        for key in group:
            if key.keys.isdigit() or key.tooltip == said:  # the other half of a pair like [ ]
                continue
            said = key.tooltip
            parts += [(f"{key.face:<14}", "bold $text-accent"), key.tooltip, "\n"]
    rooms = ", ".join(room.title for room in keys.ROOMS)
    parts += [(f"{keys.ROOMS[0].number} … {keys.ROOMS[-1].number:<10}", "bold $text-accent"), rooms, "\n"]
    return Content.assemble(*parts).rstrip()
