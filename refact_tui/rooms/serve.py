"""The Serve room: the hosted models at work, a place to try them, and what to type into an IDE."""

import socket

from textual import on, work
from textual.app import ComposeResult
from textual.containers import Vertical
from textual.widgets import ContentSwitcher

from backend import wire
from refact_tui import connect
from refact_tui import words_of_checkpoints as say
from refact_tui.client import EngineError, EngineUnreachable
from refact_tui.rooms.room import Room
from refact_tui.signs import clean
from refact_tui.state import EngineState
from refact_tui.widgets.ghost_editor import GhostEditor
from refact_tui.widgets.line import Line
from refact_tui.widgets.listing import Column, Listing, Row
from refact_tui.widgets.tabs import RuleLine, TabLine

EMPTY = "No model is hosted yet: the engine loads the starter model when it starts. Doctor (6) says what is wrong."
ASK = "ctrl+space completes at the cursor, tab accepts, esc leaves the editor."
SAMPLE = 'def total(invoice):\n    """Sum of the lines of an invoice."""\n    '
IDE_HINT = (
    "y copies it. IDE plug-ins cache answers: after a switch use the manual trigger, or type a few lines above, "
    "to see the difference."
)
SETTING_COLUMNS = (Column("PLUG-IN", 20), Column("WHERE", 10, rank=1))
TABS = {"Try it": "serve-try", "Connect an IDE": "serve-connect"}


class ServeRoom(Room):
    """Shows that completions come, how fast, and from which checkpoint."""

    def __init__(self) -> None:
        super().__init__()
        self._settings: dict[str, connect.Setting] = {}

    def body(self) -> ComposeResult:
        yield Listing(say.SERVING_COLUMNS, empty=EMPTY, id="serve-hosts")
        yield TabLine(tuple(TABS), id="serve-tabs")
        with ContentSwitcher(initial="serve-try", id="serve-pane"):
            with Vertical(id="serve-try"):
                yield GhostEditor(SAMPLE, id="serve-editor")
                yield Line(ASK, id="serve-said")
                yield Line("", id="serve-ghost")
            with Vertical(id="serve-connect"):
                yield Listing(SETTING_COLUMNS, id="serve-settings")
                yield RuleLine("copy this", id="serve-rule")
                yield Line("", id="serve-text")
                yield Line(IDE_HINT, id="serve-hint")

    def on_mount(self) -> None:
        editor = self.query_one("#serve-editor", GhostEditor)
        editor.move_cursor(editor.document.end)

    def draw(self, state: EngineState) -> None:
        """Show the hosts and the settings with the real address."""
        self.query_one("#serve-hosts", Listing).show(say.serving_rows(state.serving))
        self.query_one("#serve-tabs", TabLine).say(clean(state.engine.public_url) if state.engine else "")
        if state.engine is None:
            return
        model = state.serving[0].model if state.serving else "starter"
        found = connect.settings(state.engine.public_url, model, socket.gethostname())
        self._settings = {setting.name: setting for setting in found}
        rows = [Row(one.name, ((one.name, "plain"), (one.where, "muted"))) for one in found]
        self.query_one("#serve-settings", Listing).show(rows)
        self._setting()

    @on(Listing.Moved, "#serve-settings")
    def _setting(self) -> None:
        chosen = self._settings.get(self.query_one("#serve-settings", Listing).key or "")
        self.query_one("#serve-text", Line).update(clean(chosen.text) if chosen else "")

    @on(TabLine.Changed, "#serve-tabs")
    def _another_tab(self, event: TabLine.Changed) -> None:
        self.query_one("#serve-pane", ContentSwitcher).current = TABS[event.tab]
        self.query_one("#serve-settings" if event.tab == "Connect an IDE" else "#serve-hosts").focus()

    def action_tab(self, by: int) -> None:
        """Open the other tab."""
        self.query_one("#serve-tabs", TabLine).step(by)

    @on(Listing.Opened, "#serve-hosts")
    def action_try(self) -> None:
        """Go into the editor."""
        self.query_one("#serve-tabs", TabLine).choose("Try it")
        self.query_one("#serve-editor", GhostEditor).focus()

    @on(Listing.Opened, "#serve-settings")
    def action_copy(self) -> None:
        """Copy the setting under the cursor (OSC 52); it stays on screen for terminals that cannot."""
        chosen = self._settings.get(self.query_one("#serve-settings", Listing).key or "")
        if chosen is not None:
            self.app.copy_to_clipboard(chosen.text)
            self.app.notify(clean(chosen.text), title="Copied", markup=False)

    @on(GhostEditor.Settled)
    def _settled(self) -> None:
        self._say(ASK)
        self.query_one("#serve-ghost", Line).update("")

    @on(GhostEditor.Asked)
    def _asked(self, event: GhostEditor.Asked) -> None:
        self._say("completing…")
        self._complete(wire.Complete(prefix=event.prefix, suffix=event.suffix, max_tokens=64))

    @work(exclusive=True, group="try")
    async def _complete(self, request: wire.Complete) -> None:
        try:
            found = await self.client.post("/complete", request, wire.Completion, timeout_s=60)
        except (EngineError, EngineUnreachable) as error:
            self._say("✗ " + clean(f"{error.message} {error.hint}".strip()), failed=True)
            return
        if not found.text:
            self._say(f"{say.completion_note(found)} · it has nothing to add here")
        elif self.query_one("#serve-editor", GhostEditor).offer(found.text, request.prefix):
            self._say(f"{say.completion_note(found)} · tab accepts")
            _, more, rest = found.text.partition("\n")
            self.query_one("#serve-ghost", Line).update(clean(rest, lines=True) if more else "")

    def _say(self, text: str, failed: bool = False) -> None:
        line = self.query_one("#serve-said", Line)
        line.update(text)
        line.set_class(failed, "failed")
