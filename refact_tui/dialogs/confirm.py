"""A question before something is lost; Cancel has the focus."""

from typing import ClassVar

from textual import on
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Horizontal, Vertical
from textual.screen import ModalScreen
from textual.widgets import Button, Static


class Confirm(ModalScreen[bool]):
    """`text` says what will happen and must be free of control characters; the result says whether it was agreed to."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("y", "answer(True)", "yes", id="confirm.yes"),
        Binding("n,escape", "answer(False)", "cancel", id="confirm.no"),
        Binding("left,right,h,l", "app.focus_next", "other", id="confirm.other"),
    ]
    DEFAULT_CSS = """
    Confirm {
        align: center middle;
        & > Vertical { width: 64; max-width: 100%; height: auto; border: round $primary; padding: 0 1; }
        & > Vertical { background: $surface; }
        #confirm-buttons { height: 1; margin: 1 0 0 0; }
        #confirm-buttons Button { margin: 0 2 0 0; min-width: 12; }
    }
    """

    def __init__(self, title: str, text: str, agree: str = "OK") -> None:
        super().__init__()
        self._title, self._text, self._agree = title, text, agree

    def compose(self) -> ComposeResult:
        with Vertical() as box:
            box.border_title = self._title
            box.border_subtitle = f"y {self._agree.lower()} · n cancel"
            yield Static(self._text, markup=False)
            with Horizontal(id="confirm-buttons"):
                yield Button(self._agree, id="confirm-agree", variant="error", compact=True)
                yield Button("Cancel", id="confirm-cancel", compact=True)

    def on_mount(self) -> None:
        self.query_one("#confirm-cancel", Button).focus()

    def action_answer(self, agreed: bool) -> None:
        self.dismiss(agreed)

    @on(Button.Pressed)
    def _pressed(self, event: Button.Pressed) -> None:
        self.dismiss(event.button.id == "confirm-agree")
