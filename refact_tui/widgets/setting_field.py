"""One field of a form: its name, what is typed, what it may be, and below it what it means or why it is refused."""

from typing import TypeVar

from textual.app import ComposeResult
from textual.containers import Horizontal, Vertical
from textual.widgets import Input, Label, Static

from refact_tui.signs import clean

Number = TypeVar("Number", int, float)
MINE = "●"
"""Marks what was chosen by hand."""


class SettingField(Vertical):
    """`name` is that of the setting; `limits` and `meaning` must be free of control characters."""

    DEFAULT_CSS = """
    SettingField {
        height: auto; padding-right: 1;
        Horizontal { height: 1; }
        Label { width: 22; }
        Input { width: 1fr; padding: 0 1; background: $surface-lighten-1; }
        Input:focus { background: $primary-muted; }
        .field-limits { width: auto; max-width: 34; padding: 0 0 0 1; color: $text-muted; }
        .field-note { height: auto; padding: 0 0 0 2; color: $text-muted; }
        .field-note.-none { display: none; }
        &.-mine Label { text-style: bold; }
        &.-refused .field-note { color: $text-error; }
        &.-refused Label { color: $text-error; text-style: bold; }
    }
    """

    def __init__(
        self,
        name: str,
        *,
        hint: str = "planned",
        value: str = "",
        limits: str = "",
        meaning: str = "",
        classes: str | None = None,
    ) -> None:
        super().__init__(name=name, classes=classes)
        self._hint, self._value, self._limits, self._meaning = hint, value, limits, meaning

    def compose(self) -> ComposeResult:
        with Horizontal():
            yield Label(f"  {self.name}", markup=False)
            yield Input(self._value, placeholder=self._hint, name=self.name, select_on_focus=True, compact=True)
            yield Static(self._limits, classes="field-limits", markup=False)
        yield Static(self._meaning, classes="field-note", markup=False)

    def on_mount(self) -> None:
        self.refuse("")

    @property
    def input(self) -> Input:
        """Where it is typed."""
        return self.query_one(Input)

    @property
    def typed(self) -> str:
        """What it says."""
        return self.input.value.strip()

    def own(self, mine: bool) -> None:
        """Mark it as chosen by hand, or not."""
        self.set_class(mine, "-mine")
        self.query_one(Label).update(f"{MINE if mine else ' '} {self.name}")

    def refuse(self, reason: str) -> None:
        """Say why what is typed cannot be, in place of the meaning; with nothing it is accepted."""
        note = self.query_one(".field-note", Static)
        note.update(f"✗ {clean(reason)}" if reason else self._meaning)
        note.set_class(not reason and not self._meaning, "-none")
        self.set_class(bool(reason), "-refused")


def number_of(text: str, name: str, kind: type[Number]) -> Number | None:
    """What a field says, None where it says nothing. Raises ValueError in words, with the field's name first."""
    if not text:
        return None
    try:
        return kind(text.replace(" ", ""))
    except ValueError:
        raise ValueError(f"{name} must be a number, not {text!r}.") from None
