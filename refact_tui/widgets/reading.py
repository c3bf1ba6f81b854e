"""Words of any number of lines in a box that scrolls by the keys that move in a list."""

from typing import ClassVar

from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import VerticalScroll
from textual.visual import VisualType

from refact_tui.widgets.line import Line


class Reading(VerticalScroll):
    """The text given to `say` must be free of control characters."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("j", "scroll_down", "down", show=False),
        Binding("k", "scroll_up", "up", show=False),
        Binding("g", "scroll_home", "top", show=False),
        Binding("G", "scroll_end", "end", show=False),
        Binding("ctrl+d", "page_down", "page down", show=False),
        Binding("ctrl+u", "page_up", "page up", show=False),
    ]
    DEFAULT_CSS = "Reading > Line { height: auto; }"

    def compose(self) -> ComposeResult:
        yield Line("")

    def say(self, text: VisualType, *, follow: bool = False) -> None:
        """Show this; with `follow` the end stays in sight where it was in sight."""
        at_end = self.scroll_offset.y >= self.max_scroll_y
        self.query_one(Line).update(text)
        if follow and at_end:
            self.scroll_end(animate=False)
