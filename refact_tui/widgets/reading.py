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

    _follow = False
    _at_end = True

    def compose(self) -> ComposeResult:
        yield Line("")

    def say(self, text: VisualType, *, follow: bool = False) -> None:
        """Show this; with `follow` the end stays in sight where it was in sight."""
        self._follow = follow
        self.query_one(Line).update(text)

    def watch_scroll_y(self, old_value: float, new_value: float) -> None:
        super().watch_scroll_y(old_value, new_value)
        self._at_end = new_value >= self.max_scroll_y

    def watch_virtual_size(self) -> None:
        """The words have been laid out: only now is it known where they end."""
        if self._follow and self._at_end:
            self.scroll_end(animate=False, immediate=True)
