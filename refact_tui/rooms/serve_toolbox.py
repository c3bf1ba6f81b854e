"""The toolbox beneath the editor of Serve: a command chosen from a list, and the model's answer as it comes."""

from functools import partial
from typing import ClassVar, cast

from textual import work
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Vertical
from textual.widget import Widget
from textual.worker import Worker

from backend import wire
from refact_tui import asking
from refact_tui import words_of_asking as say
from refact_tui.client import EngineError, EngineUnreachable
from refact_tui.dialogs.own_words import OwnWordsDialog
from refact_tui.dialogs.pick import PickDialog
from refact_tui.rooms.room import Room
from refact_tui.signs import clean
from refact_tui.widgets.reading import Reading
from refact_tui.widgets.slowly import Slowly
from refact_tui.widgets.tabs import RuleLine
from refact_tui.widgets.waiting import waiting


class ToolboxAnswer(Vertical):
    """There only while something was asked; esc stops the answer, and then puts it away."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("y", "copy", "copy", id="answer.copy"),
        Binding("escape", "leave", "stop, close", id="answer.leave"),
    ]
    DEFAULT_CSS = """
    ToolboxAnswer { height: 2fr; min-height: 4; display: none; }
    ToolboxAnswer > Reading { height: 1fr; padding: 0 1; }
    """

    def __init__(self, id: str) -> None:
        super().__init__(id=id)
        self._text = ""
        self._why = ""
        """What went wrong, in words."""
        self._title = ""
        self._came_from: Widget | None = None
        self._asking: Worker[None] | None = None
        self._slowly = Slowly(self, self._draw)

    def compose(self) -> ComposeResult:
        yield RuleLine()
        yield Reading()

    @property
    def _room(self) -> Room:
        return cast(Room, self.screen)

    @work(exclusive=True, group="toolbox")
    async def choose(self, code: str, line: int, cursor: str | None, elsewhere: list[wire.ModelElsewhere]) -> None:
        """Let a command be chosen and ask it about the code, which begins at a line of the editor.

        Asked is the model under the cursor, else the first of this box that chats; where there is none, it is said."""
        models = self._room.state.models
        here = asking.who_chats(models, ())
        model = cursor if cursor in asking.who_chats(models, elsewhere) else next(iter(here), None)
        if not self.has_focus_within:
            self._came_from = self.screen.focused
        if model is None:
            self._open("toolbox", say.nobody_chats(models, any(one.chat for one in elsewhere)))
            return
        try:
            commands = await self._room.client.get("/toolbox", list[wire.ToolboxCommand])
        except (EngineError, EngineUnreachable) as error:
            self._room.fail(error)
            return
        title = f"Ask {clean(model)} about {say.about(code)}"
        name = await self.app.push_screen_wait(PickDialog(title, say.COMMAND_COLUMNS, say.command_rows(commands)))
        chosen = next((one for one in commands if one.name == name), None)
        if chosen is None:
            return
        said = ""
        if chosen.words:
            words = OwnWordsDialog(f"{clean(chosen.name)}: {clean(chosen.title)}", "what is to be done")
            typed = await self.app.push_screen_wait(words)
            if typed is None:
                return
            said = typed
        given = code if chosen.most else ""
        self._ask(wire.Ask(command=chosen.name, code=given, line=line, said=said, model=model), model not in here)

    def _ask(self, question: wire.Ask, leaves_box: bool) -> None:
        where = " · leaves this box" if leaves_box else ""
        self._open(f"{clean(question.command or '')} · {clean(question.model or '')}{where}", "", "esc stops")
        self._asking = self._answer(question)

    @work(exclusive=True, group="answer")
    async def _answer(self, question: wire.Ask) -> None:
        try:
            with waiting(self, "esc stops", partial(self.query_one(RuleLine).say, self._title)):
                said = await asking.answer(self._room.client, question, self._more)
        except (EngineError, EngineUnreachable) as error:
            self._end("✗", clean(f"{error.message} {error.hint}".strip()))
        else:
            self._end(f"{say.said_note(said)} · y copies")

    def _open(self, title: str, text: str, note: str = "esc closes") -> None:
        self._text, self._why, self._title = "", "", title
        self.display = True
        self.query_one(RuleLine).say(title, note)
        self.query_one(Reading).say(text)
        self.query_one(Reading).focus()

    def _more(self, text: str) -> None:
        self._text = text
        self._slowly.soon()

    def _draw(self) -> None:
        text = f"{clean(self._text, lines=True)}\n{self._why}"
        self.query_one(Reading).say(text.strip("\n"), follow=True)

    def _end(self, note: str, why: str = "") -> None:
        self._asking, self._why = None, why
        self.query_one(RuleLine).say(self._title, note)
        self._slowly.now()

    def action_copy(self) -> None:
        """Copy the answer as it came (OSC 52)."""
        if self._text:
            self._room.copy(self._text, "The answer.")
        else:
            self._room.refuse("There is no answer to copy yet.")

    def action_leave(self) -> None:
        """Stop the answer, or else put it away."""
        if self._asking is not None:
            self._asking.cancel()
            self._end("stopped · y copies" if self._text else "stopped")
            return
        self.display = False
        if self._came_from is not None:
            self._came_from.focus()
