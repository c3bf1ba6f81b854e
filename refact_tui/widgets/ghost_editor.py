"""A small editor that shows what the served checkpoint would write next, as an IDE does."""

from typing import ClassVar

from textual.binding import Binding, BindingType
from textual.message import Message

from refact_tui.signs import one_each
from refact_tui.widgets.plain_area import PlainArea


class GhostEditor(PlainArea):
    """ctrl+space asks for a completion, tab accepts it, esc or typing drops it."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("ctrl+@,ctrl+space,ctrl+s,f5", "ask", "complete", id="try.complete"),
        Binding("f6", "ask_both", "compare", id="try.compare", show=False),
        Binding("f7", "question", "ask about it", id="try.ask", show=False),
        Binding("tab", "accept", "accept", id="try.accept", show=False),
        Binding("escape", "drop", "leave", id="try.leave", show=False),
    ]
    DEFAULT_CSS = """
    GhostEditor { border: none; padding: 0 1; background: $surface-lighten-1; }
    GhostEditor:focus { border: none; }
    """

    class Asked(Message):
        """A completion is wanted for the text around the cursor."""

        def __init__(self, prefix: str, suffix: str) -> None:
            super().__init__()
            self.prefix, self.suffix = prefix, suffix

    class BothAsked(Message):
        """The base model is wanted beside what is served."""

    class Questioned(Message):
        """Something is to be asked about the text."""

    class Settled(Message):
        """The ghost text was accepted or dropped."""

    def __init__(self, text: str = "", *, id: str | None = None) -> None:
        super().__init__(text, id=id, tab_behavior="focus")
        self._ghost = ""

    @property
    def ghost(self) -> str:
        """The completion on offer, whole; its first line stands in the text."""
        return self._ghost

    def offer(self, text: str, prefix: str) -> bool:
        """Show a completion, unless the text has moved on since `prefix`; says whether it is shown."""
        if prefix != self.get_text_range(self.document.start, self.cursor_location):
            return False
        self._ghost = text
        self.suggestion = one_each(text.split("\n", 1)[0].expandtabs(4))
        return True

    def update_suggestion(self) -> None:
        """Textual calls this whenever the text or the cursor has moved."""
        if self._ghost:
            self._ghost = ""
            self.post_message(self.Settled())
        self.suggestion = ""

    @property
    def around(self) -> tuple[str, str]:
        """The text before the cursor, and after it."""
        at = self.cursor_location
        return self.get_text_range(self.document.start, at), self.get_text_range(at, self.document.end)

    def action_ask(self) -> None:
        self.post_message(self.Asked(*self.around))

    def action_ask_both(self) -> None:
        self.post_message(self.BothAsked())

    def action_question(self) -> None:
        self.post_message(self.Questioned())

    def action_accept(self) -> None:
        if self._ghost:
            self.insert(self._ghost)
        else:
            self.screen.focus_next()

    def action_drop(self) -> None:
        if self._ghost:
            self.update_suggestion()
        else:
            self.screen.focus_previous()
