"""The Settings tab of System: the engine's and the screen's, changed in place, saved at once, taken back by `u`."""

from functools import partial
from urllib.parse import quote

from textual import on, work
from textual.app import ComposeResult

from backend import wire
from refact_tui import words_of_settings as say
from refact_tui.client import EngineError, EngineUnreachable
from refact_tui.rooms import screen_settings
from refact_tui.rooms.pane import Pane
from refact_tui.signs import clean
from refact_tui.state import EngineState
from refact_tui.widgets.line import Line
from refact_tui.widgets.setting_form import SettingForm, SettingRow

ABOUT = "enter changes, enter again saves at once; empty: the default. ● is yours."
NOTHING = "This engine tells of no settings; a newer one does: refact-tui engine restart"


class SettingsPane(Pane):
    """Shows the engine's settings, whoever changed them."""

    def compose(self) -> ComposeResult:
        yield Line(ABOUT, id="settings-about")
        yield SettingForm(id="settings-form")

    def draw(self, state: EngineState) -> None:
        """Show what is kept; a field that is typed in stays."""
        rows = list(self.query(SettingRow))
        self.query_one("#settings-about", Line).update(ABOUT if state.settings else NOTHING)
        settings = [*state.settings, *screen_settings.shown(self.room.face)]
        if [row.name for row in rows] == [clean(one.name) for one in settings]:
            for row, one in zip(rows, settings, strict=True):
                row.show(clean(one.value), say.about_setting(one))
            return
        form = self.query_one(SettingForm)
        form.remove_children()
        form.mount_all([_row(one) for one in settings])
        self.call_after_refresh(self._enter)

    def _enter(self) -> None:
        """The first row, where the focus has no place in an open form yet."""
        if self.display and not self.has_focus_within:
            self.room.action_back()

    @on(SettingRow.Wanted)
    def _wanted(self, event: SettingRow.Wanted) -> None:
        if event.row.name in (screen_settings.THEME, screen_settings.SIGNS, screen_settings.KEYS):
            self._change_screen(event.row, event.row.name, event.value)
        else:
            self._save(event.row, event.value)

    def _change_screen(self, row: SettingRow, name: str, value: str) -> None:
        """Change how this screen looks or is driven; the engine has no part in it."""
        face = self.room.face
        before = next(one.value for one in screen_settings.shown(face) if one.name == name)
        said = screen_settings.change(face, name, value)
        now = next(one.value for one in screen_settings.shown(face) if one.name == name)
        row.settle(clean(now))
        self.draw(self.room.state)
        if said:
            self.app.notify(said, markup=False, timeout=6)
        if name != screen_settings.KEYS and now != before:

            async def back() -> None:
                screen_settings.change(face, name, before)
                self.draw(self.room.state)

            self.room.remember(f"{name} is {clean(now)}", back)

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
        if before is not None and before.value != kept.value:
            old = None if before.value == before.default else before.value
            self.room.remember(f"{name} is {clean(kept.value) or 'not set'}", partial(self._ask, name, old))

    async def _ask(self, name: str, value: str | None) -> wire.ServeSetting:
        path = f"/settings/{quote(name, safe='')}"
        return await self.room.client.post(path, wire.SetSetting(value=value), wire.ServeSetting)


def _row(one: wire.ServeSetting) -> SettingRow:
    choices = tuple(map(clean, one.choices))
    return SettingRow(
        clean(one.name),
        value=clean(one.value),
        default=clean(one.default),
        about=say.about_setting(one),
        choices=choices,
    )
