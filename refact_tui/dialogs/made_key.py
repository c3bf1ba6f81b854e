"""An API key, the one time that it is shown."""

from typing import ClassVar

from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Vertical
from textual.screen import ModalScreen
from textual.widgets import Static

from backend import wire
from refact_tui.signs import clean

COPIED = "copied, where the terminal lets us · esc close"


class MadeKeyDialog(ModalScreen[None]):
    """Closing it forgets the key."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("escape,enter", "close", "close", id="made.close"),
        Binding("y", "copy", "copy", id="made.copy"),
    ]
    DEFAULT_CSS = """
    MadeKeyDialog {
        align: center middle;
        & > Vertical { width: 72; max-width: 100%; height: auto; }
        & > Vertical { border: round $primary; padding: 0 1; background: $surface; }
        #made-key { height: auto; color: $text-accent; margin: 0 0 1 0; }
    }
    """

    def __init__(self, made: wire.MadeApiKey) -> None:
        super().__init__()
        self._made = made

    def compose(self) -> ComposeResult:
        with Vertical() as box:
            box.border_title = f"The API key of {clean(self._made.name)}"
            box.border_subtitle = "y copy · esc close"
            yield Static(clean(self._made.key), id="made-key", markup=False)
            yield Static(
                "Keep it now: it is never shown again, and only its digest stays here.\n"
                "Clients send it as `Authorization: Bearer KEY`; Connect an IDE says where each plug-in wants it.",
                markup=False,
            )

    def action_copy(self) -> None:
        """Copy it (OSC 52); it stays on the screen for terminals that cannot."""
        self.app.copy_to_clipboard(self._made.key)
        self.query_one(Vertical).border_subtitle = COPIED

    def action_close(self) -> None:
        self.dismiss(None)
