"""One of a few: a line each, the chosen one marked by a sign and not by colour alone."""

from collections.abc import Sequence
from typing import ClassVar

from textual import events
from textual.binding import Binding, BindingType
from textual.content import Content
from textual.widgets import Static


class Choice(Static, can_focus=True):
    """`(•) this  ( ) that`; the texts must be free of control characters. `chosen` is the number of the chosen one."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("down,j,space", "choose(1)", "next", show=False),
        Binding("up,k", "choose(-1)", "previous", show=False),
    ]
    DEFAULT_CSS = """
    Choice { height: auto; }
    Choice:focus { background: $primary-muted; }
    """

    def __init__(self, texts: Sequence[str], *, id: str | None = None) -> None:
        super().__init__(markup=False, id=id)
        self._texts = tuple(texts)
        self.chosen = 0

    def on_mount(self) -> None:
        self._draw()

    def action_choose(self, by: int) -> None:
        """The next (1) or the previous (-1), around the ends."""
        self.chosen = (self.chosen + by) % len(self._texts)
        self._draw()

    def on_click(self, event: events.Click) -> None:
        if event.y < len(self._texts):
            self.chosen = event.y
            self._draw()

    def _draw(self) -> None:
        lines = [f"({'•' if number == self.chosen else ' '}) {text}" for number, text in enumerate(self._texts)]
        self.update(Content("\n".join(lines)))
