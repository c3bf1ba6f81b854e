"""A list to choose one thing from, filtered while one types."""

from collections.abc import Sequence
from typing import ClassVar

from textual import on
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Vertical
from textual.screen import ModalScreen

from refact_tui.widgets.filter_line import FilterLine
from refact_tui.widgets.listing import Column, Listing, Row


class PickDialog(ModalScreen[str | None]):
    """The result is the key of the chosen row, or None; the title must be free of control characters."""

    AUTO_FOCUS = "Listing"
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("escape,q", "back", "back", id="pick.back"),
        Binding("slash", "filter", "filter", id="pick.filter"),
    ]
    DEFAULT_CSS = """
    PickDialog {
        align: center middle;
        & > Vertical { width: 64; max-width: 100%; height: auto; max-height: 100%; }
        & > Vertical { border: round $primary; padding: 0 1; background: $surface; }
        Listing { height: auto; min-height: 3; max-height: 16; background: $surface; }
        FilterLine Input { background: $surface; }
    }
    """

    def __init__(self, title: str, columns: Sequence[Column], rows: Sequence[Row], at: str | None = None) -> None:
        super().__init__()
        self._title, self._columns, self._rows, self._at = title, columns, rows, at

    def compose(self) -> ComposeResult:
        with Vertical() as box:
            box.border_title = self._title
            box.border_subtitle = "enter choose · / filter · esc back"
            yield FilterLine("part of a line", id="pick-filter")
            yield Listing(self._columns, empty="Nothing here has that in its line; esc in the filter shows all.")

    def on_mount(self) -> None:
        listing = self.query_one(Listing)
        listing.show(self._rows)
        listing.select(self._at or "")

    def action_filter(self) -> None:
        """Type what the line is to hold."""
        self.query_one(FilterLine).open()

    @on(FilterLine.Changed)
    def _filtered(self, event: FilterLine.Changed) -> None:
        wanted = event.text.casefold()
        kept = [row for row in self._rows if any(wanted in text.casefold() for text, _ in row.cells)]
        self.query_one(Listing).show(kept)

    @on(FilterLine.Left)
    def _back_to_list(self) -> None:
        self.query_one(Listing).focus()

    @on(Listing.Opened)
    def _chosen(self, event: Listing.Opened) -> None:
        self.dismiss(event.key)

    def action_back(self) -> None:
        self.dismiss(None)
