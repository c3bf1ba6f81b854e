"""A table of any length: only what is on screen is asked for and drawn, a page at a time."""

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from typing import ClassVar

from rich.cells import cell_len
from rich.segment import Segment
from rich.style import Style
from textual import events, work
from textual.binding import Binding, BindingType
from textual.geometry import Region, Size
from textual.message import Message
from textual.scroll_view import ScrollView
from textual.strip import Strip

from refact_tui.registry import told
from refact_tui.widgets.listing import HERE, THERE, Column, Row, fit

PAGE = 200
KEPT_PAGES = 30


@dataclass(frozen=True)
class Page:
    """Some rows, how many there are in all, and where the next page starts (None at the end)."""

    rows: Sequence[Row]
    total: int
    after: int | None


Fetch = Callable[[int | None, int | None, int], Awaitable[Page | None]]
"""Called with `after`, or else an offset, and the number of rows wanted; None: it could not be had just now."""


class VirtualTable(ScrollView, can_focus=True, inherit_bindings=False):
    """Rows by number, drawn line by line; a million scroll as ten do. `marked` holds the keys of marked rows."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("j,down", "move(1)", "down", show=False),
        Binding("k,up", "move(-1)", "up", show=False),
        Binding("g,home", "move(-1000000000)", "first", show=False),
        Binding("G,end", "move(1000000000)", "last", show=False),
        Binding("ctrl+d,pagedown", "page(1)", "page down", show=False),
        Binding("ctrl+u,pageup", "page(-1)", "page up", show=False),
        Binding("enter", "open", "open", show=False),
    ]
    COMPONENT_CLASSES: ClassVar[set[str]] = {
        f"table--{name}" for name in ("plain", "muted", "good", "bad", "busy", "title", "cursor", "cursor-blurred")
    }
    DEFAULT_CSS = """
    VirtualTable {
        height: 1fr; background: $background; overflow-x: hidden;
        .table--plain { color: $foreground; }
        .table--muted { color: $text-muted; }
        .table--good { color: $text-success; }
        .table--bad { color: $text-error; }
        .table--busy { color: $text-accent; }
        .table--title { color: $text-muted; text-style: bold; }
        .table--cursor { background: $primary-muted; text-style: bold; }
        .table--cursor-blurred { background: $surface-lighten-1; }
    }
    """

    class Opened(Message):
        """Enter was pressed on the row of this key."""

        def __init__(self, key: str) -> None:
            super().__init__()
            self.key = key

    class Scrolled(Message):
        """Other rows are on screen: `first` and `last` count from 1, `total` is all."""

        def __init__(self, first: int, last: int, total: int) -> None:
            super().__init__()
            self.first, self.last, self.total = first, last, total

        def can_replace(self, message: Message) -> bool:
            return isinstance(message, VirtualTable.Scrolled)

    def __init__(self, fetch: Fetch, *, id: str | None = None) -> None:
        super().__init__(id=id)
        self._fetch = fetch
        self._columns: tuple[Column, ...] = ()
        self._empty = ""
        self._pages: dict[int, Sequence[Row]] = {}
        self._starts: dict[int, int | None] = {0: None}
        """`after` of the pages that follow one that was seen: the quickest way to reach them."""
        self._total = 0
        self._known = False
        self._cursor = 0
        self.marked: set[str] = set()

    @property
    def cursor(self) -> int:
        """The number of the row under the cursor, from 0."""
        return self._cursor

    def show(self, columns: Sequence[Column], empty: str, *, keep: bool = False) -> None:
        """Ask for the rows anew; with `keep` the cursor stays where it is, as when only the numbers changed."""
        self._columns, self._empty = tuple(columns), told(self.app, empty)
        self._starts = {0: None}
        if not keep:
            self._pages, self._total, self._known, self._cursor = {}, 0, False, 0
            self.marked = set()
            self.scroll_to(y=0, animate=False, immediate=True, force=True)
        self._fill(anew=True)

    def row(self, number: int) -> Row | None:
        """The row of this number, if it has been fetched."""
        page = self._pages.get(number // PAGE)
        at = number % PAGE
        return page[at] if page is not None and at < len(page) else None

    @property
    def _body(self) -> int:
        return max(1, self.size.height - 1)

    @property
    def _top(self) -> int:
        return round(self.scroll_offset.y)

    def _wanted(self) -> list[int]:
        """The pages on screen."""
        last = min(self._top + self._body, max(1, self._total)) - 1
        return list(range(self._top // PAGE, last // PAGE + 1))

    @work(exclusive=True, group="table")
    async def _fill(self, anew: bool = False) -> None:
        """Fetch what is on screen; a page far from those seen before is reached by its offset."""
        done: set[int] = set()
        while missing := [page for page in self._wanted() if page not in done and (anew or page not in self._pages)]:
            number = missing[0]
            done.add(number)
            offset = None if number in self._starts else number * PAGE
            found = await self._fetch(self._starts.get(number), offset, PAGE)
            if found is None:
                return
            self._take(number, found)
        self._forget()

    def _take(self, number: int, page: Page) -> None:
        self._pages[number] = page.rows
        if page.after is not None:
            self._starts[number + 1] = page.after
        self._total, self._known = page.total, True
        self._cursor = max(0, min(self._cursor, self._total - 1))
        self._measure()
        self.refresh()
        self._tell()

    def _forget(self) -> None:
        here = self._top // PAGE
        if len(self._pages) > KEPT_PAGES:
            near = sorted(self._pages, key=lambda page: abs(page - here))[:KEPT_PAGES]
            self._pages = {page: self._pages[page] for page in near}

    def _measure(self) -> None:
        self.virtual_size = Size(self.size.width, self._total + 1)

    def _tell(self) -> None:
        last = min(self._total, self._top + self._body)
        self.post_message(self.Scrolled(min(self._top + 1, self._total), last, self._total))

    def watch_scroll_y(self, old: float, new: float) -> None:
        super().watch_scroll_y(old, new)
        if round(old) != round(new):
            self._fill()
            self._tell()

    def on_resize(self) -> None:
        self._measure()
        if self._known:
            self._fill()
            self._tell()

    def action_move(self, by: int) -> None:
        if not self._total:
            self._nothing()
            return
        before = self._cursor
        self._cursor = max(0, min(self._total - 1, self._cursor + by))
        if self._cursor < self._top:
            self.scroll_to(y=self._cursor, animate=False, immediate=True, force=True)
            self.refresh()
        elif self._cursor >= self._top + self._body:
            self.scroll_to(y=self._cursor - self._body + 1, animate=False, immediate=True, force=True)
            self.refresh()
        else:
            rows = {before - self._top + 1, self._cursor - self._top + 1}
            self.refresh(*(Region(0, row, self.size.width, 1) for row in rows if 0 < row <= self._body))

    def action_page(self, direction: int) -> None:
        self.action_move(direction * max(1, self._body // 2))

    def mark(self) -> None:
        """Mark the row under the cursor, or no longer, and go on to the next."""
        if (row := self.row(self._cursor)) is not None:
            self.marked ^= {row.key}
            self.action_move(1)

    def unmark(self) -> None:
        """No row is marked."""
        self.marked = set()
        self.refresh()

    def chosen(self) -> list[str]:
        """The keys of the marked rows, or else of the one under the cursor."""
        row = self.row(self._cursor)
        return sorted(self.marked) or ([row.key] if row is not None else [])

    def action_open(self) -> None:
        if (row := self.row(self._cursor)) is not None:
            self.post_message(self.Opened(row.key))
        else:
            self._nothing()

    def _nothing(self) -> None:
        """Say why nothing can be done with a row."""
        said = self._empty if self._known and not self._total else "The list is still on its way."
        self.notify(said, severity="warning", markup=False, timeout=4)

    def on_click(self, event: events.Click) -> None:
        at = self._top + event.y - 1
        if event.y >= 1 and at < self._total:
            if at == self._cursor:
                self.action_open()
            self.action_move(at - self._cursor)

    def render_line(self, y: int) -> Strip:
        width = self.scrollable_content_region.width
        if not self._total:
            said = self._empty if self._known else "…"
            return self._strip([(f" {said}" if y == 1 else "", "muted")], width)
        widths = widths_for(self._columns, width - 1)
        if y == 0:
            return self._strip(
                [(" ", "title"), *self._cells([(c.title, "title") for c in self._columns], widths)], width
            )
        number = self._top + y - 1
        if number >= self._total:
            return self._strip([], width)
        under = number == self._cursor
        row = self.row(number)
        marked = row is not None and row.key in self.marked
        here = " " if not under else HERE if self.has_focus else THERE
        mark = ("●" if marked else here, "busy" if self.has_focus or marked else "muted")
        cells = self._cells(row.cells, widths) if row is not None else [("…", "muted")]
        return self._strip([mark, *cells], width, under)

    def _cells(self, cells: Sequence[tuple[str, str]], widths: dict[int, int]) -> list[tuple[str, str]]:
        return [
            (fit(cells[number][0], width, self._columns[number].right) + "  ", cells[number][1])
            for number, width in widths.items()
        ]

    def _strip(self, cells: Sequence[tuple[str, str]], width: int, under: bool = False) -> Strip:
        style = self.rich_style
        over = Style.null()
        if under:
            name = "cursor" if self.has_focus else "cursor-blurred"
            over = self.get_component_rich_style(f"table--{name}", partial=True)
        dim = self.text_style
        made = [Segment(text, dim + self.get_component_rich_style(f"table--{tone}") + over) for text, tone in cells]
        return Strip(made).adjust_cell_length(width, style + over)


def widths_for(columns: Sequence[Column], width: int) -> dict[int, int]:
    """Widths of the columns that fit (cells): those of the highest rank go first, the first and last share the rest."""
    wide = {number: max(column.least, cell_len(column.title)) for number, column in enumerate(columns)}
    while sum(wide.values()) + 2 * len(wide) > width:
        droppable = [number for number in wide if columns[number].rank]
        if not droppable:
            break
        del wide[max(droppable, key=lambda number: columns[number].rank)]
    spare = width - sum(wide.values()) - 2 * len(wide)
    last = max(wide)
    if spare > 0 and columns[last].least > 20:
        share = spare // 2
        wide[last] += share
        spare -= share
    wide[0] = max(8, wide[0] + spare)
    return wide
