"""A question before something is lost; Cancel has the focus, or a name has to be typed first."""

from typing import ClassVar

from textual import on
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Horizontal, Vertical
from textual.screen import ModalScreen
from textual.widgets import Button, Input, Static

from refact_tui.registry import told
from refact_tui.signs import clean


class Confirm(ModalScreen[bool]):
    """`text` says what will happen and must be free of control characters; the result says whether it was agreed to.

    With `typed`, only who types that name can agree."""

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
        #confirm-typed { margin: 1 0 0 0; padding: 0 1; background: $surface-lighten-1; }
        #confirm-typed:focus { background: $primary-muted; }
        #confirm-buttons { height: 1; margin: 1 0 0 0; }
        #confirm-buttons Button { margin: 0 2 0 0; min-width: 12; }
    }
    """

    def __init__(self, title: str, text: str, agree: str = "OK", typed: str = "") -> None:
        super().__init__()
        self._title, self._text, self._agree, self._typed = title, text, agree, typed

    def compose(self) -> ComposeResult:
        with Vertical() as box:
            box.border_title = self._title
            if self._typed:
                box.border_subtitle = f"type the name, enter {self._agree.lower()} · esc cancel"
            else:
                box.border_subtitle = f"y {self._agree.lower()} · n cancel"
            yield Static(told(self.app, self._text), markup=False)
            if self._typed:
                yield Input(placeholder=f"type {clean(self._typed)} to agree", id="confirm-typed", compact=True)
            with Horizontal(id="confirm-buttons"):
                yield Button(self._agree, id="confirm-agree", variant="error", compact=True, disabled=bool(self._typed))
                yield Button("Cancel", id="confirm-cancel", compact=True)

    def on_mount(self) -> None:
        self.query_one("#confirm-typed" if self._typed else "#confirm-cancel").focus()

    @property
    def _may(self) -> bool:
        return not self._typed or self.query_one("#confirm-typed", Input).value.strip() == self._typed

    @on(Input.Changed)
    def _typing(self) -> None:
        self.query_one("#confirm-agree", Button).disabled = not self._may

    @on(Input.Submitted)
    def _entered(self) -> None:
        self.action_answer(True)

    def action_answer(self, agreed: bool) -> None:
        """Close with the answer; agreeing without the name only rings the bell."""
        if agreed and not self._may:
            self.app.bell()
        else:
            self.dismiss(agreed)

    @on(Button.Pressed)
    def _pressed(self, event: Button.Pressed) -> None:
        self.action_answer(event.button.id == "confirm-agree")
