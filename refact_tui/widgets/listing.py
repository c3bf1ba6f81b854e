"""A short table drawn line by line: columns give way by rank on narrow screens, and only changed rows repaint."""

import textwrap
from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar, Literal

from rich.cells import cell_len, set_cell_size
from rich.segment import Segment
from rich.style import Style
from textual import events
from textual.binding import Binding, BindingType
from textual.geometry import Size
from textual.message import Message
from textual.strip import Strip
from textual.widget import Widget

from refact_tui.registry import told
from refact_tui.widgets.changed import changed

Tone = Literal["plain", "muted", "good", "bad", "busy", "title"]
Cell = tuple[str, Tone]


HERE, THERE = "▌", "▏"
"""Before the row under the cursor, where the list has the focus and where another part of the screen has it."""


@dataclass(frozen=True)
class Column:
    """`rank` 0 never gives way; of the others the highest goes first. `least` is its width in cells at the least."""

    title: str
    least: int = 0
    right: bool = False
    rank: int = 0


@dataclass(frozen=True)
class Row:
    """`key` names the row for the cursor, whatever its place."""

    key: str
    cells: tuple[Cell, ...]


class Listing(Widget, can_focus=True):
    """Rows with a cursor. Text in cells must already be free of control characters."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("j,down", "move(1)", "down", show=False),
        Binding("k,up", "move(-1)", "up", show=False),
        Binding("g,home", "move(-1000000)", "first", show=False),
        Binding("G,end", "move(1000000)", "last", show=False),
        Binding("ctrl+d,pagedown", "page(1)", "page down", show=False),
        Binding("ctrl+u,pageup", "page(-1)", "page up", show=False),
        Binding("enter", "open", "open", show=False),
    ]
    COMPONENT_CLASSES: ClassVar[set[str]] = {
        f"listing--{name}" for name in ("plain", "muted", "good", "bad", "busy", "title", "cursor", "cursor-blurred")
    }
    DEFAULT_CSS = """
    Listing {
        height: 1fr;
        .listing--plain { color: $foreground; }
        .listing--muted { color: $text-muted; }
        .listing--good { color: $text-success; }
        .listing--bad { color: $text-error; }
        .listing--busy { color: $text-accent; }
        .listing--title { color: $text-muted; text-style: bold; }
        .listing--cursor { background: $primary-muted; text-style: bold; }
        .listing--cursor-blurred { background: $surface-lighten-1; }
    }
    """

    class Moved(Message):
        """The cursor stands on another row, or on none (`key` is None)."""

        def __init__(self, listing: "Listing", key: str | None) -> None:
            super().__init__()
            self.listing, self.key = listing, key

        @property
        def control(self) -> "Listing":
            return self.listing

        def can_replace(self, message: Message) -> bool:
            """Where the cursor went on meanwhile only its last place matters; what was opened was meant."""
            return type(message) is type(self) is Listing.Moved and message.listing is self.listing

    class Opened(Moved):
        """Enter was pressed on the row, or it was clicked while the cursor stood on it."""

    def __init__(self, columns: Sequence[Column], *, empty: str = "", id: str | None = None) -> None:
        super().__init__(id=id)
        self.columns = tuple(columns)
        self.empty = empty
        self.rows: tuple[Row, ...] = ()
        self.marked: tuple[str, ...] = ()
        """Keys of the marked rows, the one marked first before the others."""
        self._key: str | None = None
        self._top = 0
        self._drawn: list[Strip] = []

    @property
    def key(self) -> str | None:
        """The key of the row under the cursor."""
        return self._key

    def show(self, rows: Sequence[Row], empty: str | None = None) -> None:
        """Show these rows; the cursor stays on its key, or else near its place."""
        at = self._at()
        tall = self._tall
        if empty is not None:
            self.empty = empty
        self.rows = tuple(rows)
        self.marked = tuple(key for key in self.marked if any(row.key == key for row in self.rows))
        if self._tall != tall and self.styles.height is not None and self.styles.height.is_auto:
            self.refresh(layout=True)
        if self.rows and self._key not in {row.key for row in self.rows}:
            self.select(self.rows[min(at, len(self.rows) - 1)].key)
        elif not self.rows and self._key is not None:
            self._key = None
            self.post_message(self.Moved(self, None))
        self._repaint()

    def select(self, key: str) -> None:
        """Put the cursor on this row, if it is there."""
        if key != self._key and any(row.key == key for row in self.rows):
            self._key = key
            self.post_message(self.Moved(self, key))
            self._repaint()

    def mark(self, *keys: str) -> None:
        """Mark these rows and no others."""
        self.marked = keys
        self._repaint()

    def action_move(self, by: int) -> None:
        if self.rows:
            self.select(self.rows[max(0, min(len(self.rows) - 1, self._at() + by))].key)
        else:
            self._nothing()

    def action_page(self, direction: int) -> None:
        self.action_move(direction * max(1, (self.size.height - 1) // 2))

    def action_open(self) -> None:
        if self._key is not None:
            self.post_message(self.Opened(self, self._key))
        else:
            self._nothing()

    def _nothing(self) -> None:
        """Say what belongs here, which is why nothing can be done with it."""
        said = told(self.app, self.empty) if len(self.empty) > 1 else "There is nothing in this list."
        self.notify(said, severity="warning", markup=False, timeout=4)

    def on_click(self, event: events.Click) -> None:
        at = self._top + event.y - 1
        if event.y >= 1 and at < len(self.rows):
            if self.rows[at].key == self._key:
                self.action_open()
            self.select(self.rows[at].key)

    def on_mouse_scroll_down(self) -> None:
        self._roll(1)

    def on_mouse_scroll_up(self) -> None:
        self._roll(-1)

    def _roll(self, by: int) -> None:
        if self.rows:
            self.action_move(by)

    def on_resize(self) -> None:
        self._drawn = []
        self.refresh()

    def on_focus(self) -> None:
        self._repaint()

    def on_blur(self) -> None:
        self._repaint()

    def render_line(self, y: int) -> Strip:
        if not self._drawn:
            self._drawn = self._draw()
        return self._drawn[y] if y < len(self._drawn) else Strip.blank(self.size.width, self.rich_style)

    def notify_style_update(self) -> None:
        self._drawn = []
        super().notify_style_update()

    def get_content_height(self, container: Size, viewport: Size, width: int) -> int:
        return self._tall

    @property
    def _tall(self) -> int:
        """Lines it takes to show everything."""
        return 1 + (len(self.rows) or len(self._said))

    @property
    def _said(self) -> list[str]:
        said = told(self.app, self.empty)
        return textwrap.wrap(said, max(20, self.size.width - 2)) if self.size.width else [said]

    def _at(self) -> int:
        return next((number for number, row in enumerate(self.rows) if row.key == self._key), 0)

    def _repaint(self) -> None:
        if not self._drawn or not self.size:
            self.refresh()
            return
        before, self._drawn = self._drawn, self._draw()
        if len(before) != len(self._drawn):
            self.refresh()
            return
        if regions := changed(before, self._drawn):
            self.refresh(*regions)

    def _draw(self) -> list[Strip]:
        width, height = self.size
        if not self.rows:
            lines = [self._strip([(f" {text}", "muted")]) for text in ("", *self._said)]
            return (lines + [self._strip([])] * height)[:height]
        body = max(1, height - 1)
        at = self._at()
        self._top = max(0, min(self._top, at, len(self.rows) - 1), at - body + 1)
        shown = columns_for(self.columns, self.rows, width - 1)
        lines = [self._strip([(" ", "title"), *self._cells([(c.title, "title") for c in self.columns], shown)])]
        for row in self.rows[self._top : self._top + body]:
            under = row.key == self._key
            marked = row.key in self.marked
            sign = "●" if marked else " " if not under else HERE if self.has_focus else THERE
            cells = [(sign, "busy" if self.has_focus or marked else "muted"), *self._cells(row.cells, shown)]
            lines.append(self._strip(cells, under))
        return (lines + [self._strip([])] * height)[:height]

    def _cells(self, cells: Sequence[tuple[str, Tone | str]], shown: dict[int, int]) -> list[tuple[str, str]]:
        result = []
        for number, width in shown.items():
            text, tone = cells[number]
            result.append((fit(text, width, self.columns[number].right) + "  ", tone))
        return result

    def _strip(self, cells: Sequence[tuple[str, str]], under: bool = False) -> Strip:
        style = self.rich_style
        over = Style.null()
        if under:
            name = "cursor" if self.has_focus else "cursor-blurred"
            over = self.get_component_rich_style(f"listing--{name}", partial=True)
        dim = self.text_style
        tones = {tone: dim + self.get_component_rich_style(f"listing--{tone}") + over for _, tone in cells}
        return Strip([Segment(text, tones[tone]) for text, tone in cells]).adjust_cell_length(
            self.size.width, style + over
        )


def columns_for(columns: Sequence[Column], rows: Sequence[Row], width: int) -> dict[int, int]:
    """Which columns are shown, and how wide (cells); the first gives up width before one of rank 0 is cut."""
    wide = {
        number: max(column.least, cell_len(column.title), *(cell_len(row.cells[number][0]) for row in rows))
        for number, column in enumerate(columns)
    }
    while sum(wide.values()) + 2 * len(wide) > width:
        droppable = [number for number in wide if columns[number].rank]
        if not droppable:
            break
        del wide[max(droppable, key=lambda number: columns[number].rank)]
    over = sum(wide.values()) + 2 * len(wide) - width
    if over > 0 and 0 in wide:
        wide[0] = max(8, wide[0] - over)
    return wide


def fit(text: str, width: int, right: bool = False) -> str:
    """The text in exactly `width` cells, with an ellipsis where it was cut."""
    length = cell_len(text)
    if length > width:
        return set_cell_size(text, width - 1) + "…" if width > 1 else set_cell_size(text, width)
    return " " * (width - length) + text if right else text + " " * (width - length)
