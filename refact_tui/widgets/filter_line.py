"""The line where a list is filtered while one types; there only while it is used or something is filtered."""

from typing import ClassVar

from textual import on
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Horizontal
from textual.message import Message
from textual.timer import Timer
from textual.widgets import Input, Label

DEBOUNCE_S = 0.15


class FilterLine(Horizontal):
    """enter keeps the filter and goes to the list; esc clears it."""

    BINDINGS: ClassVar[list[BindingType]] = [Binding("escape", "clear", "clear", show=False)]
    DEFAULT_CSS = """
    FilterLine { height: 1; display: none; padding: 0 1;
        &.shown { display: block; }
        Label { color: $text-accent; text-style: bold; width: 2; }
        Input { border: none; height: 1; padding: 0; background: $background; }
        Input:focus { border: none; background: $surface; }
    }
    """

    class Changed(Message):
        """Another text filters the list."""

        def __init__(self, text: str) -> None:
            super().__init__()
            self.text = text

    class Left(Message):
        """The list is to have the focus again."""

    def __init__(self, hint: str, id: str) -> None:
        super().__init__(id=id)
        self._hint = hint
        self._timer: Timer | None = None
        self.text = ""
        """What the list is filtered by."""

    def compose(self) -> ComposeResult:
        yield Label("/", markup=False)
        yield Input(placeholder=self._hint)

    def open(self) -> None:
        """Show the line and type into it."""
        self.add_class("shown")
        self.query_one(Input).focus()

    def action_clear(self) -> None:
        """Filter by nothing, and hide."""
        self.query_one(Input).value = ""
        self._settle()
        self.remove_class("shown")
        self.post_message(self.Left())

    @on(Input.Changed)
    def _typed(self, event: Input.Changed) -> None:
        event.stop()
        if self._timer is not None:
            self._timer.stop()
        self._timer = self.set_timer(DEBOUNCE_S, self._settle)

    @on(Input.Submitted)
    def _keep(self, event: Input.Submitted) -> None:
        event.stop()
        self._settle()
        self.set_class(bool(self.text), "shown")
        self.post_message(self.Left())

    def _settle(self) -> None:
        if self._timer is not None:
            self._timer.stop()
            self._timer = None
        text = self.query_one(Input).value.strip()
        if text != self.text:
            self.text = text
            self.post_message(self.Changed(text))
