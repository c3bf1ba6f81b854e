"""A form of settings that is walked like a list: enter types in a field, enter again saves it, esc leaves it alone."""

from typing import ClassVar

from textual import events, on
from textual.actions import SkipAction
from textual.binding import Binding, BindingType
from textual.containers import VerticalScroll
from textual.message import Message
from textual.widgets import Input, Label

from refact_tui.widgets.setting_field import MINE, SettingField

HERE = "▌"


class SettingRow(SettingField, can_focus=True):
    """One setting; its field takes keys only while it is typed in. `choices`: enter takes the next of them instead."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("j,down", "move(1)", "down", show=False),
        Binding("k,up", "move(-1)", "up", show=False),
        Binding("g,home", "move(-1000)", "first", show=False),
        Binding("G,end", "move(1000)", "last", show=False),
        Binding("enter", "change", "change", show=False),
        Binding("escape", "leave", "leave", show=False),
    ]
    DEFAULT_CSS = """
    SettingRow {
        Input { background: $background; }
        &:focus-within { background: $surface; }
        &:focus Input { background: $surface; }
        &:focus-within Label { text-style: bold; }
    }
    """

    class Wanted(Message):
        """This value is to be kept; an empty one is the default."""

        def __init__(self, row: "SettingRow", value: str) -> None:
            super().__init__()
            self.row, self.value = row, value

    def __init__(self, name: str, *, value: str, default: str, about: str, choices: tuple[str, ...] = ()) -> None:
        super().__init__(name, hint=default or "not set", value=value, meaning=about)
        self._kept, self._default, self._choices = value, default, choices

    def on_mount(self) -> None:
        self.input.can_focus = False
        self._mark()

    @property
    def typing(self) -> bool:
        """Whether the field takes the keys."""
        return self.input.can_focus

    def show(self, value: str, about: str) -> None:
        """This is what is kept now; what is being typed stays."""
        self._kept, self._meaning = value, about
        if not self.typing:
            self._rest()

    def settle(self, value: str) -> None:
        """What was wanted is kept: go back to the row."""
        self._kept = value
        self._end()
        self.focus()

    def action_move(self, by: int) -> None:
        if self.typing:
            raise SkipAction
        rows = list(self.screen.query(SettingRow))
        rows[max(0, min(len(rows) - 1, rows.index(self) + by))].focus()

    def action_change(self) -> None:
        """Type in the field, or take the next of the choices."""
        if self._choices:
            place = self._choices.index(self._kept) if self._kept in self._choices else -1
            self.post_message(self.Wanted(self, self._choices[(place + 1) % len(self._choices)]))
        else:
            self.input.can_focus = True
            self.input.focus()

    def action_leave(self) -> None:
        if not self.typing:
            raise SkipAction
        self._end()
        self.focus()

    def on_click(self, event: events.Click) -> None:
        if self.has_focus and not self.typing:
            self.action_change()

    def watch_has_focus(self, _has_focus: bool) -> None:
        super().watch_has_focus(_has_focus)
        if self.is_mounted:
            self._mark()

    @on(Input.Submitted)
    def _typed(self, event: Input.Submitted) -> None:
        event.stop()
        if self.typed == self._kept:
            self.action_leave()
        else:
            self.post_message(self.Wanted(self, self.typed))

    def left(self) -> None:
        """Another part of the form has the focus: what was typed and not saved is gone."""
        if self.typing:
            self._end()

    def _end(self) -> None:
        self.input.can_focus = False
        self._rest()

    def _rest(self) -> None:
        self.input.value = self._kept
        self.refuse("")
        self._mark()

    def _mark(self) -> None:
        mine = self._kept != self._default
        self.set_class(mine, "-mine")
        sign = HERE if self.has_focus or self.typing else MINE if mine else " "
        self.query_one(Label).update(f"{sign} {self.name}")


class SettingForm(VerticalScroll, can_focus=False):
    """Rows below each other; holds `SettingRow`s only."""

    def on_descendant_focus(self, event: events.DescendantFocus) -> None:
        for row in self.query(SettingRow):
            if row is not event.widget and row.input is not event.widget:
                row.left()
