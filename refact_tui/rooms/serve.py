"""The Serve room: the hosted models at work; in tabs a place to try them, IDE settings, API keys and requests."""

from typing import ClassVar

from textual import events, on, work
from textual.app import ComposeResult

from backend import wire
from refact_tui import asking, words_of_asking
from refact_tui import words_of_serving as say
from refact_tui.client import EngineError, EngineUnreachable
from refact_tui.dialogs.chat import ChatDialog, Talk
from refact_tui.registry import press
from refact_tui.rooms.pane import Pane
from refact_tui.rooms.serve_connect import ConnectPane
from refact_tui.rooms.serve_keys import KeysPane
from refact_tui.rooms.serve_requests import RequestsPane
from refact_tui.rooms.serve_try import TryPane
from refact_tui.rooms.tabbed import TabbedRoom
from refact_tui.rooms.undoing import Undoing
from refact_tui.signs import clean
from refact_tui.state import EngineState
from refact_tui.widgets.ghost_editor import GhostEditor
from refact_tui.widgets.line import Line
from refact_tui.widgets.listing import Listing
from refact_tui.widgets.tabs import TabLine

EMPTY = (
    f"No model is hosted yet: the engine loads the starter when it starts, {press('serve.host')} hosts another. "
    f"Doctor ({press('frame.system')}) says what is wrong."
)
PANES: dict[str, type[Pane]] = {
    "Try it": TryPane,
    "Connect an IDE": ConnectPane,
    "Keys": KeysPane,
    "Requests": RequestsPane,
}
"""By the tabs that `keys` names, in their order."""


class ServeRoom(TabbedRoom, Undoing):
    """Shows that completions come, how fast, from which checkpoint, and for whom."""

    PANES: ClassVar[dict[str, type[Pane]]] = PANES

    def __init__(self) -> None:
        super().__init__()
        self._elsewhere: list[wire.ModelElsewhere] = []
        self._talk = Talk()

    def body(self) -> ComposeResult:
        yield Listing(say.SERVING_COLUMNS, empty=EMPTY, id="serve-hosts")
        yield Line("", id="serve-coming")
        yield Line("", id="serve-trouble")
        yield from super().body()

    def on_screen_resume(self, event: events.ScreenResume) -> None:
        self._look()

    @work(exclusive=True, group="elsewhere")
    async def _look(self) -> None:
        """Which models of other servers there are; where that cannot be told, the doctor says why."""
        try:
            self._elsewhere = await self.client.get("/elsewhere", list[wire.ModelElsewhere])
        except (EngineError, EngineUnreachable):
            return
        if self.state.engine is not None:
            self.draw(self.state)

    def draw(self, state: EngineState) -> None:
        """Show the hosts, the models of other servers and the open tab."""
        rows = [*say.serving_rows(state.serving), *say.elsewhere_rows(self._elsewhere)]
        self.query_one("#serve-hosts", Listing).show(rows)
        coming = self.query_one("#serve-coming", Line)
        lines = say.coming_lines(state.alive, self.size.width - 2)
        coming.update("\n".join(lines))
        coming.display = bool(lines)
        self._trouble()
        self.query_one(TabLine).say(clean(state.engine.public_url) if state.engine else "")
        super().draw(state)

    @on(Listing.Moved, "#serve-hosts")
    def _trouble(self) -> None:
        said = say.trouble(self.state.serving, self.query_one("#serve-hosts", Listing).key)
        line = self.query_one("#serve-trouble", Line)
        line.display = bool(said[0])
        line.say([said])

    def enter_pane(self) -> None:
        """To the list of the tab; to try something, the way leads over the hosts."""
        within = next((one for one in self.focus_chain if self.pane in one.ancestors), None)
        if self.tab == "Try it" or within is None:
            super().enter_pane()
        else:
            within.focus()

    @on(Listing.Opened, "#serve-hosts")
    def action_try(self) -> None:
        """Go into the editor."""
        self.show_tab("Try it")
        self.query_one(TryPane).enter()

    @on(GhostEditor.Questioned)
    def action_ask(self) -> None:
        """Ask about what stands in the editor."""
        self.show_tab("Try it")
        self.query_one(TryPane).ask(self._elsewhere)

    def action_chat(self) -> None:
        """Talk with a model that chats, and go on where it was left."""
        here, there = asking.who_chats(self.state.models, ()), asking.who_chats((), self._elsewhere)
        nobody = words_of_asking.nobody_chats(self.state.models, bool(there))
        self.app.push_screen(ChatDialog(self.client, self._talk, here, there, nobody))
