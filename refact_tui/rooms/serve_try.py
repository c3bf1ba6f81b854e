"""The Try it tab of Serve: a small editor with ghost text from the served checkpoint."""

from textual import on, work
from textual.app import ComposeResult

from backend import wire
from refact_tui import words_of_checkpoints as say
from refact_tui.client import EngineError, EngineUnreachable
from refact_tui.rooms.pane import Pane
from refact_tui.signs import clean
from refact_tui.widgets.ghost_editor import GhostEditor
from refact_tui.widgets.line import Line

ASK = "ctrl+space completes at the cursor, tab accepts, esc leaves the editor."
SAMPLE = 'def total(invoice):\n    """Sum of the lines of an invoice."""\n    '


class TryPane(Pane):
    """Asks as an IDE does, and says how long that took."""

    def compose(self) -> ComposeResult:
        yield GhostEditor(SAMPLE, id="serve-editor")
        yield Line(ASK, id="serve-said")
        yield Line("", id="serve-ghost")

    def on_mount(self) -> None:
        self._editor.move_cursor(self._editor.document.end)

    def enter(self) -> None:
        """Go into the editor."""
        self._editor.focus()

    @property
    def _editor(self) -> GhostEditor:
        return self.query_one("#serve-editor", GhostEditor)

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
            found = await self.room.client.post("/complete", request, wire.Completion, timeout_s=60)
        except (EngineError, EngineUnreachable) as error:
            self._say("✗ " + clean(f"{error.message} {error.hint}".strip()), failed=True)
            return
        if not found.text:
            self._say(f"{say.completion_note(found)} · it has nothing to add here")
        elif self._editor.offer(found.text, request.prefix):
            self._say(f"{say.completion_note(found)} · tab accepts")
            _, more, rest = found.text.partition("\n")
            self.query_one("#serve-ghost", Line).update(clean(rest, lines=True) if more else "")

    def _say(self, text: str, failed: bool = False) -> None:
        line = self.query_one("#serve-said", Line)
        line.update(text)
        line.set_class(failed, "failed")
