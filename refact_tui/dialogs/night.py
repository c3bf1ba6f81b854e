"""What is done every night: sync, scan, train on what is new, and serve it only where it is better."""

from collections.abc import Awaitable, Callable
from typing import ClassVar

from textual import on, work
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Horizontal, Vertical
from textual.screen import ModalScreen
from textual.widgets import Button, Input, Static

from backend import wire
from refact_tui.client import EngineError, EngineUnreachable
from refact_tui.widgets.setting_field import SettingField
from refact_tui.words_of_runs import night_lines

Keep = Callable[[wire.Schedule], Awaitable[wire.Schedule]]


class NightDialog(ModalScreen[wire.Schedule | None]):
    """`keep` asks the engine, which also judges what was typed; returns what it keeps now, or None."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("escape", "cancel", "cancel", id="night.cancel"),
        Binding("ctrl+s", "save", "save", id="night.save"),
    ]
    DEFAULT_CSS = """
    NightDialog {
        align: center middle;
        & > Vertical { width: 72; max-width: 100%; height: auto; border: round $primary; padding: 0 1; }
        & > Vertical { background: $surface; }
        #night-text { height: auto; margin: 1 0; }
        #night-buttons { height: 1; }
        #night-buttons Button { margin: 0 2 0 0; min-width: 12; }
    }
    """

    def __init__(self, now: wire.Schedule, keep: Keep) -> None:
        super().__init__()
        self._now, self._keep = now, keep

    def compose(self) -> ComposeResult:
        with Vertical() as box:
            box.border_title = "Every night"
            box.border_subtitle = "enter save · tab next · esc cancel"
            yield SettingField("at", hint="never", value=self._now.at, limits="HH:MM of this box's clock")
            yield SettingField("minutes", value=f"{self._now.minutes:g}", limits="how long to train")
            yield Static("\n".join(night_lines(self._now)), id="night-text", markup=False)
            with Horizontal(id="night-buttons"):
                yield Button("Save", id="night-save", variant="primary", compact=True)
                yield Button("Never", id="night-never", compact=True)
                yield Button("Cancel", id="night-cancel", compact=True)

    def on_mount(self) -> None:
        self.query_one(Input).focus()

    def _field(self, name: str) -> SettingField:
        return next(one for one in self.query(SettingField) if one.name == name)

    @on(Input.Submitted)
    @on(Button.Pressed, "#night-save")
    def action_save(self) -> None:
        """Keep what was typed; what is refused stays here with its reason."""
        at, minutes = self._field("at"), self._field("minutes")
        at.refuse("")
        minutes.refuse("")
        try:
            length = float(minutes.typed or self._now.minutes)
        except ValueError:
            minutes.refuse(f"minutes must be a number, not {minutes.typed!r}.")
        else:
            self._ask(wire.Schedule(at=at.typed, minutes=length))

    @on(Button.Pressed, "#night-never")
    def action_never(self) -> None:
        """No more nights."""
        self._ask(wire.Schedule(at="", minutes=self._now.minutes))

    @work(exclusive=True, group="night")
    async def _ask(self, wanted: wire.Schedule) -> None:
        try:
            kept = await self._keep(wanted)
        except (EngineError, EngineUnreachable) as error:
            about = "minutes" if "minutes" in error.message else "at"
            self._field(about).refuse(f"{error.message} {error.hint}".strip())
        else:
            self.dismiss(kept)

    @on(Button.Pressed, "#night-cancel")
    def action_cancel(self) -> None:
        self.dismiss(None)
