"""The themes to choose from: the one under the cursor is worn at once, and esc puts the old one back."""

from typing import TYPE_CHECKING, ClassVar, cast

from textual import on
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Vertical
from textual.screen import ModalScreen

from refact_tui.signs import clean
from refact_tui.widgets.line import Line
from refact_tui.widgets.listing import Cell, Column, Listing, Row
from themes import contrast

if TYPE_CHECKING:
    from refact_tui.frame import RefactApp

COLUMNS = (Column("THEME", 20), Column("FROM", 5), Column("TEXT", 8, right=True))
SAMPLE: tuple[Cell, ...] = (
    ("✓ accepted", "good"),
    ("✗ a test loss that has become worse", "bad"),
    ("▶ running", "busy"),
    ("what is beside the point", "muted"),
)


class ThemesDialog(ModalScreen[None]):
    """Changes the app's theme while it is open, and remembers what enter was pressed on."""

    AUTO_FOCUS = "Listing"
    BINDINGS: ClassVar[list[BindingType]] = [Binding("escape,q", "back", "back", id="themes.back")]
    DEFAULT_CSS = """
    ThemesDialog {
        align: center middle;
        & > Vertical { width: 64; max-width: 100%; height: auto; max-height: 100%; }
        & > Vertical { border: round $primary; padding: 0 1; background: $surface; }
        Listing { height: auto; min-height: 3; max-height: 12; background: $surface; }
        Line { height: auto; padding: 1 1 0 1; }
    }
    """

    def compose(self) -> ComposeResult:
        with Vertical() as box:
            box.border_title = "Themes"
            box.border_subtitle = "enter keep · esc as before"
            yield Listing(COLUMNS, empty="There is no theme.")
            yield Line("")

    @property
    def face(self) -> "RefactApp":
        """The app, by its own type."""
        return cast("RefactApp", self.app)

    def on_mount(self) -> None:
        self._before = self.app.theme
        listing = self.query_one(Listing)
        listing.show([self._row(name) for name in self.face.looks.names()])
        listing.select(self._before)
        where = "NO_COLOR is set: none shows a colour." if self.app.no_color else f"Yours: {self.face.looks.where()}"
        wrong = [(f"✗ {sentence}", "bad") for sentence in self.face.looks.mine.values() if sentence]
        self.query_one(Line).say([*SAMPLE, (clean(where), "muted"), *wrong])

    def _row(self, name: str) -> Row:
        whose = "you" if name in self.face.looks.mine else ""
        return Row(name, ((name, "plain"), (whose, "muted"), self._contrast(name)))

    def _contrast(self, name: str) -> Cell:
        """Of its text on its ground; of the terminal's own colours nothing is known."""
        theme = self.app.get_theme(name)
        if theme is None or theme.ansi or not theme.foreground or not theme.background:
            return "", "muted"
        found = contrast.ratio(theme.foreground, theme.background)
        return (f"{found:.1f}:1", "muted") if found >= contrast.BODY else (f"! {found:.1f}:1", "bad")

    @on(Listing.Moved)
    def _try(self, event: Listing.Moved) -> None:
        if event.key is not None and event.key != self.app.theme:
            self.app.theme = event.key

    @on(Listing.Opened)
    def _keep(self, event: Listing.Opened) -> None:
        if event.key is not None:
            self.face.use_theme(event.key)
        self.dismiss()

    def action_back(self) -> None:
        """As it was before."""
        names = self.face.looks.names()
        self.app.theme = self._before if self._before in names else names[0]
        self.dismiss()
