"""Handing a checkpoint out: as it is or merged into its base model, and to which folder of this box."""

from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import ClassVar

from textual import on, work
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Horizontal, Vertical
from textual.screen import ModalScreen
from textual.widgets import Button, Input, Label, Static

from backend import wire
from refact_tui import words
from refact_tui.client import EngineError, EngineUnreachable
from refact_tui.signs import clean
from refact_tui.widgets.choice import Choice


class ExportDialog(ModalScreen[wire.Exported | None]):
    """Returns what has been begun, or None. `default` is the folder in which one without a name is made."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("escape", "cancel", "cancel", id="export.cancel"),
        Binding("ctrl+s", "export", "export", id="export.go"),
    ]
    DEFAULT_CSS = """
    ExportDialog {
        align: center middle;
        & > Vertical { width: 76; max-width: 100%; height: auto; border: round $primary; padding: 0 1; }
        & > Vertical { background: $surface; }
        Choice { margin: 0 0 1 0; }
        Label { color: $text-muted; }
        Input { padding: 0 1; background: $surface-lighten-1; }
        Input:focus { background: $primary-muted; }
        #export-said { height: auto; color: $text-error; display: none; }
        #export-said.-open { display: block; }
        #export-buttons { height: 1; margin: 1 0 0 0; }
        #export-buttons Button { margin: 0 2 0 0; min-width: 12; }
    }
    """

    def __init__(
        self, point: wire.Checkpoint, default: Path, export: Callable[[wire.Export], Awaitable[wire.Exported]]
    ) -> None:
        super().__init__()
        self._point, self._default, self._begin = point, default, export

    def compose(self) -> ComposeResult:
        adapter = f"adapter: a PEFT folder of {words.size(self._point.size)}, to be loaded beside the base"
        with Vertical() as box:
            box.border_title = f"Export {clean(self._point.id)}"
            box.border_subtitle = "enter export · tab next · space other · esc cancel"
            yield Choice((adapter, f"merged: {clean(self._point.model)} with it in one, a whole model"))
            yield Label("folder on this box; it must be new or empty", markup=False)
            yield Input(placeholder=f"a new one in {clean(str(self._default))}", compact=True)
            yield Static("", id="export-said", markup=False)
            with Horizontal(id="export-buttons"):
                yield Button("Export", id="export-go", variant="primary", compact=True)
                yield Button("Cancel", id="export-cancel", compact=True)

    def on_mount(self) -> None:
        self.query_one("#export-go", Button).focus()

    @on(Input.Submitted)
    @on(Button.Pressed, "#export-go")
    def action_export(self) -> None:
        """Begin; a folder that is refused stays here with the reason."""
        typed = self.query_one(Input).value.strip()
        path = str(Path(typed).expanduser()) if typed else ""
        self._ask(wire.Export(path=path, merged=self.query_one(Choice).chosen == 1))

    @work(exclusive=True, group="export")
    async def _ask(self, request: wire.Export) -> None:
        try:
            begun = await self._begin(request)
        except (EngineError, EngineUnreachable) as error:
            said = self.query_one("#export-said", Static)
            said.update("✗ " + clean(f"{error.message} {error.hint}".strip()))
            said.add_class("-open")
        else:
            self.dismiss(begun)

    @on(Button.Pressed, "#export-cancel")
    def action_cancel(self) -> None:
        self.dismiss(None)
