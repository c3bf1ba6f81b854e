"""Another name for something; one that is refused stays here with its reason."""

from collections.abc import Awaitable, Callable
from typing import ClassVar

from textual import on, work
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Vertical
from textual.screen import ModalScreen
from textual.widgets import Input, Static

from refact_tui.client import EngineError, EngineUnreachable
from refact_tui.signs import clean


class NameDialog(ModalScreen[str | None]):
    """`rename` asks the engine, which also judges the name; the result is the name that it agreed to, or None."""

    BINDINGS: ClassVar[list[BindingType]] = [Binding("escape", "cancel", "cancel", id="name.cancel")]
    DEFAULT_CSS = """
    NameDialog {
        align: center middle;
        & > Vertical { width: 64; max-width: 100%; height: auto; border: round $primary; padding: 0 1; }
        & > Vertical { background: $surface; }
        Input { padding: 0 1; background: $surface-lighten-1; }
        Input:focus { background: $primary-muted; }
        .name-said { height: auto; color: $text-error; display: none; }
        .name-said.-open { display: block; }
    }
    """

    def __init__(self, title: str, name: str, rename: Callable[[str], Awaitable[object]]) -> None:
        super().__init__()
        self._title, self._now, self._rename = title, clean(name), rename

    def compose(self) -> ComposeResult:
        with Vertical() as box:
            box.border_title = self._title
            box.border_subtitle = "enter rename · esc cancel"
            yield Input(self._now, select_on_focus=True, compact=True)
            yield Static("", classes="name-said", markup=False)

    @on(Input.Submitted)
    def _entered(self, event: Input.Submitted) -> None:
        name = event.value.strip()
        if name == self._now:
            self.dismiss(None)
        else:
            self._ask(name)

    @work(exclusive=True, group="name")
    async def _ask(self, name: str) -> None:
        try:
            await self._rename(name)
        except (EngineError, EngineUnreachable) as error:
            said = self.query_one(".name-said", Static)
            said.update("✗ " + clean(f"{error.message} {error.hint}".strip()))
            said.add_class("-open")
        else:
            self.dismiss(name)

    def action_cancel(self) -> None:
        self.dismiss(None)
