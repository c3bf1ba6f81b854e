"""The line-drawn table: the cursor stays on its key, columns give way by rank, only changed rows repaint."""

from textual.app import App, ComposeResult

from refact_tui.widgets.listing import Column, Listing, Row, columns_for, fit

COLUMNS = (Column("NAME", 6), Column("MODEL", rank=2), Column("STATE"), Column("WHEN", rank=1))


def row(name: str, state: str = "done") -> Row:
    return Row(name, ((name, "plain"), ("starter", "muted"), (state, "good"), ("2 m ago", "muted")))


class Host(App[None]):
    def __init__(self) -> None:
        super().__init__()
        self.heard: list[tuple[str, str | None]] = []

    def compose(self) -> ComposeResult:
        yield Listing(COLUMNS, empty="Nothing yet. Press n.")

    def on_listing_moved(self, event: Listing.Moved) -> None:
        self.heard.append((type(event).__name__, event.key))

    on_listing_opened = on_listing_moved


def lines(listing: Listing) -> list[str]:
    return [listing.render_line(y).text.rstrip() for y in range(listing.size.height)]


async def test_empty_says_what_belongs_here() -> None:
    app = Host()
    async with app.run_test(size=(60, 8)):
        assert "Nothing yet. Press n." in "\n".join(lines(app.query_one(Listing)))


async def test_keys_move_and_open() -> None:
    app = Host()
    async with app.run_test(size=(60, 8)) as pilot:
        listing = app.query_one(Listing)
        listing.show([row(name) for name in "abc"])
        await pilot.press("j", "j", "j", "k", "enter", "g", "G")
        await pilot.pause()
        moved = [key for kind, key in app.heard if kind == "Moved"]
        assert moved == ["a", "b", "c", "b", "a", "c"]
        assert ("Opened", "b") in app.heard
        assert lines(listing)[3].startswith("▌c")


async def test_cursor_stays_on_its_key_when_rows_come_before_it() -> None:
    app = Host()
    async with app.run_test(size=(60, 8)) as pilot:
        listing = app.query_one(Listing)
        listing.show([row("a"), row("b")])
        await pilot.press("j")
        listing.show([row("z"), row("a"), row("b")])
        assert listing.key == "b"
        listing.show([row("z"), row("a")])
        assert listing.key == "a"
        listing.show([])
        assert listing.key is None


async def test_a_long_list_scrolls_with_its_cursor() -> None:
    app = Host()
    async with app.run_test(size=(60, 8)) as pilot:
        listing = app.query_one(Listing)
        listing.show([row(f"r{number:02}") for number in range(50)])
        await pilot.press("G")
        shown = lines(listing)
        assert shown[0].split() == ["NAME", "MODEL", "STATE", "WHEN"]
        assert shown[-1].startswith("▌r49")


async def test_narrow_screens_lose_columns_by_rank() -> None:
    rows = [row("billing")]
    assert list(columns_for(COLUMNS, rows, 60)) == [0, 1, 2, 3]
    assert list(columns_for(COLUMNS, rows, 28)) == [0, 2, 3]
    assert list(columns_for(COLUMNS, rows, 17)) == [0, 2]


def test_fit_is_exact_in_cells() -> None:
    assert fit("abc", 5) == "abc  "
    assert fit("abc", 5, right=True) == "  abc"
    assert fit("abcdef", 4) == "abc…"
    assert fit("漢字漢字", 5) == "漢字…"
