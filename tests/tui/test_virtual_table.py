"""A million rows: what is not on screen is not asked for, and the cursor goes where it is sent."""

from textual.app import App, ComposeResult

from refact_tui.widgets.listing import Column, Row
from refact_tui.widgets.virtual_table import KEPT_PAGES, Page, VirtualTable, widths_for

COLUMNS = (Column("PATH", 20), Column("SIZE", 6, right=True, rank=1))
MILLION = 1_000_000


class Host(App[None]):
    def __init__(self) -> None:
        super().__init__()
        self.asked: list[int | None] = []

    async def fetch(self, after: int | None, offset: int | None, limit: int) -> Page:
        self.asked.append(after)
        first = (offset or 0) if after is None else after + 1
        rows = [
            Row(str(n), ((f"file {n}", "plain"), (str(n), "muted"))) for n in range(first, min(MILLION, first + limit))
        ]
        last = first + len(rows) - 1
        return Page(rows, MILLION, last if last < MILLION - 1 else None)

    def compose(self) -> ComposeResult:
        yield VirtualTable(self.fetch)


async def test_only_what_is_seen_is_asked_for() -> None:
    app = Host()
    async with app.run_test(size=(40, 12)) as pilot:
        table = app.query_one(VirtualTable)
        table.show(COLUMNS, "nothing")
        await app.workers.wait_for_complete()
        await pilot.pause()
        assert app.asked == [None]
        assert table.render_line(1).text.startswith("▌file 0 ")
        for _ in range(60):
            await pilot.press("ctrl+d")
        await app.workers.wait_for_complete()
        assert len(app.asked) == 2
        assert table.cursor == 300
        await pilot.press("g")
        await pilot.pause()
        assert table.render_line(1).text.startswith("▌file 0 ")


async def test_the_end_is_one_question_away() -> None:
    app = Host()
    async with app.run_test(size=(40, 12)) as pilot:
        table = app.query_one(VirtualTable)
        table.show(COLUMNS, "nothing")
        await app.workers.wait_for_complete()
        await pilot.press("G")
        await app.workers.wait_for_complete()
        await pilot.pause()
        assert len(app.asked) == 2
        assert table.render_line(11).text.startswith("▌file 999999 ")


async def test_pages_far_away_are_forgotten() -> None:
    app = Host()
    async with app.run_test(size=(40, 12)) as pilot:
        table = app.query_one(VirtualTable)
        table.show(COLUMNS, "nothing")
        await app.workers.wait_for_complete()
        for _ in range(KEPT_PAGES + 5):
            table.action_move(1000)
            await pilot.pause()
            await app.workers.wait_for_complete()
        assert table.row(table.cursor) is not None
        assert table.row(0) is None
        assert len(table._pages) <= KEPT_PAGES


def test_widths() -> None:
    assert widths_for(COLUMNS, 40) == {0: 30, 1: 6}
    assert widths_for(COLUMNS, 26) == {0: 24}
