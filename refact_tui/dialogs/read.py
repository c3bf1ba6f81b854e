"""Words that came from something that has ended, to be read and closed."""

from typing import ClassVar

from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Vertical, VerticalScroll
from textual.screen import ModalScreen
from textual.widgets import Static

from refact_tui.signs import clean


class ReadDialog(ModalScreen[None]):
    """The text may hold anything; the title must be free of control characters."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("escape,enter,q", "close", "close", id="read.close"),
        Binding("j", "scroll(1)", "down", show=False),
        Binding("k", "scroll(-1)", "up", show=False),
    ]
    DEFAULT_CSS = """
    ReadDialog {
        align: center middle;
        & > Vertical { width: 78; max-width: 100%; height: auto; max-height: 100%; }
        & > Vertical { border: round $primary; padding: 0 1; background: $surface; }
        VerticalScroll { height: auto; max-height: 100%; scrollbar-size-vertical: 1; }
    }
    """

    def __init__(self, title: str, text: str) -> None:
        super().__init__()
        self._title, self._text = title, text

    def compose(self) -> ComposeResult:
        with Vertical() as box:
            box.border_title = self._title
            box.border_subtitle = "j k move · esc close"
            with VerticalScroll():
                yield Static(clean(self._text, lines=True), markup=False)

    def action_close(self) -> None:
        self.dismiss()

    def action_scroll(self, by: int) -> None:
        self.query_one(VerticalScroll).scroll_relative(y=by, animate=False)
