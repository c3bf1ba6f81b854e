"""The Settings tab of System: where completions are served, changed in place, saved at once, and taken back by `u`."""

from functools import partial
from typing import ClassVar
from urllib.parse import quote

from textual import on, work
from textual.app import ComposeResult
from textual.binding import Binding, BindingType

from backend import wire
from refact_tui import words_of_settings as say
from refact_tui.client import EngineError, EngineUnreachable
from refact_tui.rooms.pane import Pane
from refact_tui.rooms.undoing import Undoing
from refact_tui.signs import clean
from refact_tui.state import EngineState
from refact_tui.widgets.line import Line
from refact_tui.widgets.setting_form import SettingForm, SettingRow

ABOUT = "enter changes, enter again saves at once; empty: the default. ● is yours."
NOTHING = "This engine tells of no settings; a newer one does: refact-tui engine restart"


class SettingsPane(Pane):
    """Shows the engine's settings, whoever changed them."""

    BINDINGS: ClassVar[list[BindingType]] = [Binding("enter", "change", show=False)]

    def compose(self) -> ComposeResult:
        yield Line(ABOUT, id="settings-about")
        yield SettingForm(id="settings-form")

    def draw(self, state: EngineState) -> None:
        """Show what is kept; a field that is typed in stays."""
        rows = list(self.query(SettingRow))
        self.query_one(SettingForm).can_focus = not state.settings
        self.query_one("#settings-about", Line).update(ABOUT if state.settings else NOTHING)
        if [row.name for row in rows] == [clean(one.name) for one in state.settings]:
            for row, one in zip(rows, state.settings, strict=True):
                row.show(clean(one.value), say.about_setting(one))
            return
        form = self.query_one(SettingForm)
        form.remove_children()
        form.mount_all([_row(one) for one in state.settings])
        self.call_after_refresh(self._enter)

    def _enter(self) -> None:
        """The first row, where the focus has no place in an open form yet."""
        if self.display and not self.has_focus_within:
            self.room.action_back()

    @on(SettingRow.Wanted)
    def _wanted(self, event: SettingRow.Wanted) -> None:
        self._save(event.row, event.value)

    @work(group="change")
    async def _save(self, row: SettingRow, value: str) -> None:
        """Keep it; what the engine refuses is said in the row, which goes on being typed in."""
        name = row.name or ""
        before = next((one for one in self.room.state.settings if one.name == name), None)
        try:
            kept = await self._ask(name, value or None)
        except (EngineError, EngineUnreachable) as error:
            row.refuse(f"{error.message} {error.hint}".strip())
            return
        row.settle(clean(kept.value))
        self.app.notify(say.set_words(kept), markup=False, timeout=6)
        room = self.room
        if before is not None and before.value != kept.value and isinstance(room, Undoing):
            old = None if before.value == before.default else before.value
            room.remember(f"{name} is {clean(kept.value) or 'not set'}", partial(self._back, room, name, old))

    async def _back(self, room: Undoing, name: str, value: str | None) -> object:
        return await room.tried(self._ask(name, value))

    async def _ask(self, name: str, value: str | None) -> wire.ServeSetting:
        path = f"/settings/{quote(name, safe='')}"
        return await self.room.client.post(path, wire.SetSetting(value=value), wire.ServeSetting)

    def action_change(self) -> None:
        """What a row does itself; without rows there is nothing to change."""
        self.room.refuse(NOTHING)

    def act_undo(self) -> None:
        """Take the last change back."""
        if isinstance(self.room, Undoing):
            self.room.action_undo()


def _row(one: wire.ServeSetting) -> SettingRow:
    choices = tuple(map(clean, one.choices))
    return SettingRow(
        clean(one.name),
        value=clean(one.value),
        default=clean(one.default),
        about=say.about_setting(one),
        choices=choices,
    )
