"""The Try it tab of Serve: a small editor with ghost text from the served checkpoint, and the base model beside it."""

import asyncio

from textual import on, work
from textual.app import ComposeResult
from textual.containers import Horizontal, Vertical

from backend import wire
from refact_tui import words_of_checkpoints as say
from refact_tui.client import EngineError, EngineUnreachable
from refact_tui.registry import press
from refact_tui.rooms.serve_hosting import NONE, HostingPane
from refact_tui.rooms.serve_toolbox import ToolboxAnswer
from refact_tui.signs import clean
from refact_tui.widgets.ghost_editor import GhostEditor
from refact_tui.widgets.line import Line
from refact_tui.widgets.listing import Listing
from refact_tui.widgets.waiting import waiting

ASK = "ctrl+space completes, f6 with the base, f7 asks, tab accepts, esc leaves."
SAMPLE = 'def total(invoice):\n    """Sum of the lines of an invoice."""\n    '
ONLY_BASE = (
    f"Only the base model is served: {press('frame.checkpoints')}, then enter on a checkpoint, "
    "gives it something to be compared with."
)
ELSEWHERE = "What is typed here stays on this box: choose a model above that is hosted on it."
TOKENS = 64
SIDES = ("base", "tuned")


class TryPane(HostingPane):
    """Asks as an IDE does, of the model under the cursor among the hosts, and says how long that took."""

    def compose(self) -> ComposeResult:
        yield GhostEditor(SAMPLE, id="serve-editor")
        yield Line(ASK, id="serve-said")
        yield Line("", id="serve-ghost")
        with Horizontal(id="serve-both"):
            for side in SIDES:
                with Vertical():
                    yield Line("", id=f"serve-{side}-who")
                    yield Line("", id=f"serve-{side}-text")
        yield ToolboxAnswer(id="serve-answer")

    def on_mount(self) -> None:
        self._editor.move_cursor(self._editor.document.end)
        self.query_one("#serve-both").display = False

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
        if self._elsewhere:
            self.room.refuse(ELSEWHERE)
            return
        self.query_one("#serve-both").display = False
        self._complete(event.prefix, event.suffix)

    @work(exclusive=True, group="try")
    async def _complete(self, prefix: str, suffix: str) -> None:
        try:
            with waiting(self, "completing…", self._say):
                found = await self._answer(prefix, suffix, "")
        except (EngineError, EngineUnreachable) as error:
            self._say("✗ " + clean(f"{error.message} {error.hint}".strip()), failed=True)
            return
        if not found.text:
            self._say(f"{say.completion_note(found)} · it has nothing to add here")
        elif self._editor.offer(found.text, prefix):
            self._say(f"{say.completion_note(found)} · tab accepts")
            _, more, rest = found.text.partition("\n")
            self.query_one("#serve-ghost", Line).update(clean(rest, lines=True) if more else "")

    @property
    def _elsewhere(self) -> bool:
        """Whether the cursor is on a model of another server."""
        return self.host is None and self.room.query_one("#serve-hosts", Listing).key is not None

    async def _answer(self, prefix: str, suffix: str, choice: str) -> wire.Completion:
        model = f"{self.host.model}{choice}" if self.host else None
        request = wire.Complete(prefix=prefix, suffix=suffix, max_tokens=TOKENS, model=model)
        return await self.room.client.post("/complete", request, wire.Completion, timeout_s=60)

    def ask(self, elsewhere: list[wire.ModelElsewhere]) -> None:
        """Choose a command of the toolbox for what is selected in the editor, or else for all of it."""
        editor = self._editor
        code, line = editor.selected_text, min(editor.selection)[0] + 1
        if not code.strip():
            code, line = editor.text, 1
        under = self.room.query_one("#serve-hosts", Listing).key
        self.query_one(ToolboxAnswer).choose(code.rstrip(), line, under, elsewhere)

    @on(GhostEditor.BothAsked)
    def act_compare(self) -> None:
        """Complete with the base model and with what is served, side by side."""
        if self.host is None or self.host.checkpoint is None:
            self.room.refuse(ELSEWHERE if self._elsewhere else ONLY_BASE if self.host else NONE)
            return
        self._editor.update_suggestion()
        self._both(*self._editor.around)

    @work(exclusive=True, group="try")
    async def _both(self, prefix: str, suffix: str) -> None:
        try:
            with waiting(self, "completing with both…", self._say):
                base, tuned = await asyncio.gather(
                    self._answer(prefix, suffix, f":{say.BASE}"), self._answer(prefix, suffix, "")
                )
        except (EngineError, EngineUnreachable) as error:
            self._say("✗ " + clean(f"{error.message} {error.hint}".strip()), failed=True)
            return
        before = prefix.rpartition("\n")[2]
        for side, found in zip(SIDES, (base, tuned), strict=True):
            self.query_one(f"#serve-{side}-who", Line).update(say.who_and_when(found))
            text = clean(before + found.text, lines=True) if found.text else "(nothing to add here)"
            self.query_one(f"#serve-{side}-text", Line).update(text)
        self.query_one("#serve-both").display = True
        self._say("The same answer from both." if base.text == tuned.text else ASK)

    def _say(self, text: str, failed: bool = False) -> None:
        line = self.query_one("#serve-said", Line)
        line.update(text)
        line.set_class(failed, "failed")
