"""Only changed cells are drawn again, and with them the line is what it would be had it been drawn whole."""

from hypothesis import given
from hypothesis import strategies as st
from rich.cells import cell_len
from rich.segment import Segment
from rich.style import Style
from textual.app import App, ComposeResult
from textual.content import Content
from textual.geometry import Region
from textual.strip import Strip

from refact_tui.widgets.changed import changed, span
from refact_tui.widgets.line import Line

TEXT = st.text("ab 界é́―✓", max_size=12)
STYLES = [Style.parse("red"), Style.parse("bold"), Style.null()]


def cells(text: str, width: int) -> list[str]:
    """What stands in each cell; the second half of a wide sign is empty, a mark without a width is with its letter."""
    found: list[str] = []
    for letter in text:
        wide = cell_len(letter)
        if wide == 0 and found:
            found[-1] += letter
        elif wide:
            found += [letter, *[""] * (wide - 1)]
    return found + [" "] * (width - len(found))


@given(TEXT, TEXT)
def test_outside_of_the_span_both_lines_are_alike(before: str, after: str) -> None:
    found = span(before, after)
    assert found is not None
    start, end = found
    width = 40
    old, new = cells(before, width), cells(after, width)
    assert old[:start] == new[:start]
    assert old[end:] == new[end:]
    assert start <= end <= max(cell_len(before), cell_len(after))


def test_another_colour_is_a_change() -> None:
    before, after = Content.assemble("ab ", ("cd", "bold"), " e"), Content.assemble("ab ", ("cd", "red"), " e")
    assert span(before, after) == (3, 5)
    assert span(before, before) == (7, 7)
    assert span("a\nb", "a") is None


SEGMENTS = st.lists(st.tuples(st.sampled_from(["a", "bc", "   ", "界"]), st.sampled_from(STYLES)), max_size=5)


@given(SEGMENTS, SEGMENTS)
def test_outside_of_the_regions_both_pictures_are_alike(
    before: list[tuple[str, Style]], after: list[tuple[str, Style]]
) -> None:
    old, new = (Strip([Segment(*one) for one in line]).adjust_cell_length(20) for line in (before, after))
    regions = changed([old, old], [old, new])
    assert all(region.y == 1 for region in regions)
    looks = [
        [(sign, segment.style) for segment in line for sign in cells(segment.text, cell_len(segment.text))]
        for line in (old, new)
    ]
    for at, (one, other) in enumerate(zip(*looks, strict=True)):
        if one != other:
            assert any(region.x <= at < region.right for region in regions)


class Host(App[None]):
    CSS = "#fixed { height: 1; } #free { height: auto; }"

    def compose(self) -> ComposeResult:
        yield Line("step 338 of 800, ETA 18m", id="fixed")
        yield Line("one line", id="free")


async def test_a_line_paints_what_changed_and_is_laid_out_anew_only_where_it_grows() -> None:
    app = Host()
    async with app.run_test(size=(40, 6)) as pilot:
        fixed, free = app.query_one("#fixed", Line), app.query_one("#free", Line)
        fixed._repaint_regions.clear()
        fixed.update("step 339 of 800, ETA 18m")
        assert fixed._repaint_regions == {Region(7, 0, 1, 1)}
        layouts = free._layout_updates
        free.update("other one")
        assert free._layout_updates == layouts
        free.update("two\nlines")
        assert free._layout_updates == layouts + 1
        await pilot.pause()
        assert free.size.height == 2
        lines = [strip.text.rstrip() for strip in app.screen._compositor.render_strips()]
        assert lines[:3] == ["step 339 of 800, ETA 18m", "two", "lines"]


async def test_the_same_words_in_another_colour_are_drawn() -> None:
    app = Host()
    async with app.run_test(size=(40, 6)):
        line = app.query_one("#free", Line)
        line.say([("failed", "plain")])
        line._repaint_regions.clear()
        line.say([("failed", "bad")])
        assert line._repaint_regions
        line._repaint_regions.clear()
        line.say([("failed", "bad")])
        assert not line._repaint_regions
