"""A conversation with a model that chats: kept while the screen runs, and stored nowhere."""

from dataclasses import dataclass, field
from typing import ClassVar

from textual import on, work
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Vertical
from textual.screen import ModalScreen
from textual.widgets import Input
from textual.worker import Worker

from backend import wire
from refact_tui import asking
from refact_tui import words_of_asking as say
from refact_tui.client import AsyncClient, EngineError, EngineUnreachable
from refact_tui.dialogs.pick import PickDialog
from refact_tui.signs import clean
from refact_tui.widgets.line import Line
from refact_tui.widgets.reading import Reading
from refact_tui.widgets.slowly import Slowly
from refact_tui.widgets.waiting import waiting

KEYS = "enter say it · ctrl+t model · ctrl+n new · ctrl+y copy · esc stop, close"
KEPT = "What is said here is kept while this screen runs, and stored nowhere."
MOST_TURNS = 200
"""Of those before, that a question is sent with and that are drawn; a model's context holds fewer."""


@dataclass
class Talk:
    """What was said, to whom, and what was about to be."""

    model: str | None = None
    turns: list[wire.Turn] = field(default_factory=list)
    draft: str = ""


class ChatDialog(ModalScreen[None]):
    """`here` and `there` name the models of this box and of other servers; `nobody` is said where none is chosen."""

    AUTO_FOCUS = "Input"
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("escape", "back", "stop, close", id="chat.back"),
        Binding("ctrl+t", "model", "model", id="chat.model"),
        Binding("ctrl+n,n", "new", "new", id="chat.new"),
        Binding("ctrl+y,y", "copy", "copy", id="chat.copy"),
        Binding("pageup", "page(-1)", "page up", show=False),
        Binding("pagedown", "page(1)", "page down", show=False),
    ]
    DEFAULT_CSS = """
    ChatDialog {
        align: center middle;
        & > Vertical { width: 100%; max-width: 110; height: 100%; max-height: 40; }
        & > Vertical { border: round $primary; padding: 0 1; background: $surface; }
        Reading { height: 1fr; }
        Reading > Line { margin: 0 0 1 0; }
        Reading > Line:first-child, #chat-note { color: $text-muted; }
        Reading > .chat-you { color: $text-accent; margin: 0; }
        #chat-note { height: auto; min-height: 1; max-height: 3; }
        #chat-note.failed { color: $text-error; }
        Input { padding: 0 1; background: $surface-lighten-1; }
        Input:focus { background: $primary-muted; }
    }
    """

    def __init__(self, client: AsyncClient, talk: Talk, here: list[str], there: list[str], nobody: str) -> None:
        super().__init__()
        self._client, self._talk, self._here, self._there, self._nobody = client, talk, here, there, nobody
        if talk.model not in (*here, *there):
            talk.model = next(iter(here), None)
        self._question = ""
        self._text = ""
        self._answer_line: Line | None = None
        self._asking: Worker[None] | None = None
        self._slowly = Slowly(self, self._draw)

    def compose(self) -> ComposeResult:
        with Vertical() as box:
            box.border_subtitle = KEYS
            yield Reading()
            yield Line("", id="chat-note")
            yield Input(self._talk.draft, placeholder="say something", select_on_focus=False, compact=True)

    def on_mount(self) -> None:
        self._entitle()
        reading = self.query_one(Reading)
        reading.mount_all(_line(turn.role, turn.text) for turn in self._talk.turns[-MOST_TURNS:])
        reading.scroll_end(animate=False)

    def _entitle(self) -> None:
        model = self._talk.model
        away = " · leaves this box" if model in self._there else ""
        self.query_one("ChatDialog > Vertical", Vertical).border_title = f"Chat with {clean(model or 'nobody')}{away}"
        self.query_one(Reading).say(KEPT if model else self._nobody)

    @property
    def _lines(self) -> list[Line]:
        """What was said, as it is drawn."""
        return list(self.query_one(Reading).query_children(Line))[1:]

    def _note(self, text: str, failed: bool = False) -> None:
        note = self.query_one("#chat-note", Line)
        note.update(text)
        note.set_class(failed, "failed")

    @on(Input.Submitted)
    def _entered(self, event: Input.Submitted) -> None:
        said = event.value.strip()
        if self._talk.model is None:
            self._note("There is nobody to answer." + (" ctrl+t chooses a model." if self._there else ""), failed=True)
        elif said and self._asking is None:
            event.input.value = ""
            self._question, self._text = said, ""
            reading = self.query_one(Reading)
            self._answer_line = _line("assistant", "…")
            reading.mount(_line("user", said), self._answer_line)
            reading.scroll_end(animate=False)
            self._asking = self._answer()

    @work(exclusive=True, group="chat")
    async def _answer(self) -> None:
        before = self._talk.turns[-MOST_TURNS:]
        question = wire.Ask(said=self._question, before=before, model=self._talk.model)
        try:
            with waiting(self, "esc stops", self._note):
                said = await asking.answer(self._client, question, self._more)
        except (EngineError, EngineUnreachable) as error:
            self._end("✗ " + clean(f"{error.message} {error.hint}".strip()), failed=True)
        else:
            self._end(say.said_note(said) if self._text else "It said nothing.")

    def _more(self, text: str) -> None:
        self._text = text
        self._slowly.soon()

    def _draw(self) -> None:
        if self._answer_line is not None and self._text:
            reading = self.query_one(Reading)
            at_end = reading.scroll_offset.y >= reading.max_scroll_y
            self._answer_line.update(clean(self._text.strip("\n"), lines=True))
            if at_end:
                reading.scroll_end(animate=False)

    def _end(self, note: str, failed: bool = False) -> None:
        """Keep the two turns; where nothing was answered, give the question back to be asked again."""
        self._asking = None
        self._slowly.now()
        if self._text:
            self._talk.turns.append(wire.Turn(role="user", text=self._question))
            self._talk.turns.append(wire.Turn(role="assistant", text=self._text))
        else:
            for line in self._lines[-2:]:
                line.remove()
            field = self.query_one(Input)
            field.value = field.value or self._question
            field.cursor_position = len(field.value)
        self._note(note, failed)

    def action_back(self) -> None:
        """Stop the answer, or else close; what was typed is there the next time."""
        if self._asking is not None:
            self._asking.cancel()
            self._end("stopped")
            return
        self._talk.draft = self.query_one(Input).value
        self.dismiss(None)

    def action_new(self) -> None:
        """Forget what was said and begin anew."""
        if self._asking is not None:
            self.action_back()
        self._talk.turns.clear()
        for line in self._lines:
            line.remove()
        self._note("A new conversation.")

    def action_copy(self) -> None:
        """Copy the last answer as it came (OSC 52)."""
        last = self._text if self._asking else next((one.text for one in reversed(self._talk.turns)), "")
        if last:
            self.app.copy_to_clipboard(last)
        self._note("The last answer was copied, where the terminal lets us." if last else "There is no answer to copy.")

    @work
    async def action_model(self) -> None:
        """Choose who answers from now on. What was said to a model of this box does not go to another server."""
        if not {*self._here, *self._there} - {self._talk.model}:
            self._note("No other model chats." if self._talk.model else "No model chats.")
            return
        rows = say.model_rows(self._here, self._there)
        chosen = await self.app.push_screen_wait(PickDialog("Who answers", say.MODEL_COLUMNS, rows, self._talk.model))
        if chosen is None or chosen == self._talk.model:
            return
        if chosen in self._there and self._talk.model in self._here and self._talk.turns:
            self.action_new()
            self._note("A new conversation: what was said before stays on this box.")
        self._talk.model = chosen
        self._entitle()

    def action_page(self, by: int) -> None:
        reading = self.query_one(Reading)
        reading.scroll_relative(y=by * max(1, reading.size.height - 1), animate=False)


def _line(role: str, text: str) -> Line:
    you = role == "user"
    line = Line(("› " if you else "") + clean(text.strip("\n"), lines=True))
    line.set_class(you, "chat-you")
    return line
