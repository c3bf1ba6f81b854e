"""The text of a file with line numbers, and a mark at the lines the model found surprising."""

from collections.abc import Sequence
from typing import ClassVar

from rich.cells import cell_len
from rich.segment import Segment
from textual.binding import Binding, BindingType
from textual.geometry import Size
from textual.scroll_view import ScrollView
from textual.strip import Strip


class CodeView(ScrollView, can_focus=True):
    """`lines` must be free of control characters; `losses` are nats per token, a line each, or nothing."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("j", "scroll_down", "down", show=False),
        Binding("k", "scroll_up", "up", show=False),
        Binding("g", "scroll_home", "top", show=False),
        Binding("G", "scroll_end", "end", show=False),
        Binding("l", "scroll_right", "right", show=False),
        Binding("h", "scroll_left", "left", show=False),
        Binding("ctrl+d", "page_down", "page down", show=False),
        Binding("ctrl+u", "page_up", "page up", show=False),
    ]
    COMPONENT_CLASSES: ClassVar[set[str]] = {"code--text", "code--number", "code--surprise"}
    DEFAULT_CSS = """
    CodeView {
        height: 1fr; background: $background;
        .code--text { color: $foreground; }
        .code--number { color: $text-muted; }
        .code--surprise { color: $text-warning; }
    }
    """

    def __init__(self, *, id: str | None = None) -> None:
        super().__init__(id=id)
        self._lines: Sequence[str] = ()
        self._losses: Sequence[float | None] = ()
        self._limit = 0.0
        self._gutter = 0

    def show(self, lines: Sequence[str], losses: Sequence[float | None], limit: float) -> None:
        """Show the text; lines whose loss is over `limit` are marked with it."""
        self._lines, self._losses, self._limit = lines, losses, limit
        self._gutter = len(str(len(lines))) + 2 + (5 if any(losses) else 0)
        widest = max((cell_len(line) for line in lines), default=0)
        self.virtual_size = Size(self._gutter + widest + 1, len(lines))
        self.scroll_to(0, 0, animate=False)
        self.refresh()

    def render_line(self, y: int) -> Strip:
        left, top = self.scroll_offset
        width = self.scrollable_content_region.width
        number = top + y
        style = self.rich_style
        if number >= len(self._lines):
            return Strip.blank(width, style)
        text = Strip([Segment(self._lines[number], self.get_component_rich_style("code--text"))])
        room = max(0, width - self._gutter)
        body = text.crop(left, left + room).adjust_cell_length(room, style)
        return Strip([*self._margin(number), *body]).adjust_cell_length(width, style)

    def _margin(self, number: int) -> list[Segment]:
        wide = len(str(len(self._lines)))
        label = Segment(f"{number + 1:>{wide}} ", self.get_component_rich_style("code--number"))
        if not any(self._losses):
            return [label, Segment(" ", self.rich_style)]
        loss = self._losses[number] if number < len(self._losses) else None
        if loss is None or loss <= self._limit:
            return [label, Segment("      ", self.rich_style)]
        return [label, Segment(f"!{loss:4.1f} ", self.get_component_rich_style("code--surprise"))]
