"""The Connect an IDE tab of Serve: what to type into each plug-in, with the real address."""

import socket

from textual import on
from textual.app import ComposeResult

from refact_tui import connect
from refact_tui.registry import press
from refact_tui.rooms.pane import Pane
from refact_tui.signs import clean
from refact_tui.state import EngineState
from refact_tui.widgets.line import Line
from refact_tui.widgets.listing import Column, Listing, Row
from refact_tui.widgets.tabs import RuleLine

HINT = (
    f"{press('serve.copy')} copies it. IDE plug-ins cache answers: "
    "after a switch use the manual trigger, or type a few lines above, "
    "to see the difference."
)
KEYLESS = (
    "On this box no key is needed; a plug-in that insists on one takes any. "
    "From a laptop the tunnel at the end of the list (G) comes first."
)
KEYED = f"{connect.KEY} stands for an API key: {press('serve.new')} in Keys makes one."
COLUMNS = (Column("PLUG-IN", 20), Column("WHERE", 10, rank=1))


class ConnectPane(Pane):
    """Shows one setting a line, and the text of the one under the cursor."""

    def __init__(self, id: str) -> None:
        super().__init__(id=id)
        self._settings: dict[str, connect.Setting] = {}

    def compose(self) -> ComposeResult:
        yield Listing(COLUMNS, id="serve-settings")
        yield RuleLine("copy this", id="serve-rule")
        yield Line("", id="serve-text")
        yield Line("", id="serve-hint")

    def draw(self, state: EngineState) -> None:
        """Show the settings with the real address."""
        if state.engine is None:
            return
        url = state.engine.public_url
        found = connect.settings(url, state.serving[0].model if state.serving else "starter", socket.gethostname())
        self._settings = {setting.name: setting for setting in found}
        rows = [Row(one.name, ((one.name, "plain"), (one.where, "muted"))) for one in found]
        self.query_one(Listing).show(rows)
        self.query_one("#serve-hint", Line).update(f"{KEYLESS if connect.is_local(url) else KEYED} {HINT}")
        self._setting()

    @property
    def _chosen(self) -> connect.Setting | None:
        return self._settings.get(self.query_one(Listing).key or "")

    @on(Listing.Moved)
    def _setting(self) -> None:
        self.query_one("#serve-text", Line).update(clean(self._chosen.text, lines=True) if self._chosen else "")

    @on(Listing.Opened)
    def act_copy(self) -> None:
        """Copy the setting under the cursor (OSC 52); it stays on screen for terminals that cannot."""
        if self._chosen is not None:
            self.room.copy(self._chosen.text)
        else:
            self.room.refuse("There is nothing to copy before the engine has answered.")
