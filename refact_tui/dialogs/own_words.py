"""A line of the user's own words, where a question is nothing without them."""

from typing import ClassVar

from textual import on
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Vertical
from textual.screen import ModalScreen
from textual.widgets import Input


class OwnWordsDialog(ModalScreen[str | None]):
    """The result is what was typed, or None; the title must be free of control characters."""

    BINDINGS: ClassVar[list[BindingType]] = [Binding("escape", "cancel", "cancel", id="words.cancel")]
    DEFAULT_CSS = """
    OwnWordsDialog {
        align: center middle;
        & > Vertical { width: 72; max-width: 100%; height: auto; border: round $primary; padding: 0 1; }
        & > Vertical { background: $surface; }
        Input { padding: 0 1; background: $surface-lighten-1; }
        Input:focus { background: $primary-muted; }
    }
    """

    def __init__(self, title: str, hint: str) -> None:
        super().__init__()
        self._title, self._hint = title, hint

    def compose(self) -> ComposeResult:
        with Vertical() as box:
            box.border_title = self._title
            box.border_subtitle = "enter ask · esc cancel"
            yield Input(placeholder=self._hint, compact=True)

    @on(Input.Submitted)
    def _entered(self, event: Input.Submitted) -> None:
        if event.value.strip():
            self.dismiss(event.value.strip())

    def action_cancel(self) -> None:
        self.dismiss(None)
