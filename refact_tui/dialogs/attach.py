"""Another engine: one that was found on this box, or one whose state folder or socket is typed."""

import asyncio
from typing import ClassVar

from textual import on, work
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Vertical
from textual.screen import ModalScreen
from textual.widgets import Input, Static

from backend.paths import Paths
from refact_tui import engines
from refact_tui.client import EngineError, EngineUnreachable
from refact_tui.signs import clean
from refact_tui.widgets.listing import Column, Listing, Row

NONE = "No other engine on this box answers you."
ABROAD = "On another box: ssh there and start refact-tui, or let ssh -L bring its engine.sock here."


class AttachDialog(ModalScreen[Paths | None]):
    """The result is the home of an engine that answers, or None; `here` is the one that is shown already."""

    AUTO_FOCUS = "Input"
    BINDINGS: ClassVar[list[BindingType]] = [Binding("escape", "cancel", "cancel", id="attach.cancel")]
    DEFAULT_CSS = """
    AttachDialog {
        align: center middle;
        & > Vertical { width: 76; max-width: 100%; height: auto; max-height: 100%; }
        & > Vertical { border: round $primary; padding: 0 1; background: $surface; }
        Input { padding: 0 1; background: $surface-lighten-1; }
        Input:focus { background: $primary-muted; }
        Listing { height: auto; max-height: 10; margin: 1 0; background: $surface; }
        #attach-abroad { height: auto; color: $text-muted; }
        #attach-said { height: auto; color: $text-error; display: none; }
        #attach-said.-open { display: block; }
    }
    """

    def __init__(self, here: Paths) -> None:
        super().__init__()
        self._here = here

    def compose(self) -> ComposeResult:
        with Vertical() as box:
            box.border_title = "Another engine"
            box.border_subtitle = "enter attach · tab found ones · esc cancel"
            yield Input(placeholder="its state folder, or its engine.sock", compact=True)
            yield Listing((Column("FOUND ON THIS BOX", 20),), empty="looking…", id="attach-found")
            yield Static(ABROAD, id="attach-abroad", markup=False)
            yield Static("", id="attach-said", markup=False)

    def on_mount(self) -> None:
        self._look()

    @work(exclusive=True, group="look")
    async def _look(self) -> None:
        found = await asyncio.to_thread(engines.listening, self._here)
        rows = [Row(str(one.home), ((clean(str(one.home)), "plain"),)) for one in found]
        self.query_one(Listing).show(rows, empty=NONE)

    @on(Input.Submitted)
    def _typed(self, event: Input.Submitted) -> None:
        if event.value.strip():
            self._try(event.value.strip())

    @on(Listing.Opened)
    def _chosen(self, event: Listing.Opened) -> None:
        self._try(event.key or "")

    @work(exclusive=True, group="try")
    async def _try(self, text: str) -> None:
        try:
            paths = engines.named(text)
            if paths.home == self._here.home:
                raise EngineUnreachable("That is the engine that is shown already.", "")
            await engines.greet(paths)
        except (EngineError, EngineUnreachable) as error:
            said = self.query_one("#attach-said", Static)
            said.update("✗ " + clean(f"{error.message} {error.hint}".strip()))
            said.add_class("-open")
        else:
            self.dismiss(paths)

    def action_cancel(self) -> None:
        self.dismiss(None)
