"""The Scan room: counts, reasons that filter, files a page at a time, and one file read."""

import msgspec
from hypothesis import given
from hypothesis import strategies as st

from backend import wire
from refact_tui import words_of_scan as say
from refact_tui.frame import RefactApp
from refact_tui.widgets.virtual_table import VirtualTable
from tests.tui.pilots import screen_text, sees, until
from tests.tui.samples import ANSWERS, BUSY, PREVIEW, SCAN
from tests.tui.stub_engine import StubEngine


async def test_reasons_filter_and_files_open(engine: StubEngine) -> None:
    engine.state, engine.answers = BUSY, dict(ANSWERS)
    app = RefactApp(engine.paths)
    async with app.run_test(size=(80, 24)) as pilot:
        await pilot.press("2")
        await sees(pilot, "12 480 files", "duplicate", "not_text", "[x] Python", "threshold 3", "1–10 of 500")
        await pilot.press("enter")
        await sees(pilot, "✓ accepted", "train · changed 1 commit ago", "3 ! 4.2", "1 surprising line")
        await pilot.press("escape", "right_square_bracket")
        await sees(pilot, "[Rejected]", "1–10 of 100", "✗ duplicate: the same as")
        await pilot.press("left_square_bracket", "shift+tab", "shift+tab", "j", "enter")
        await sees(pilot, "[Rejected]", "(reason vendored)", "No rejected file matches reason vendored")
        await pilot.press("escape")
        await sees(pilot, "1–10 of 100")


async def test_warnings_are_shown_with_the_file_and_in_the_list(engine: StubEngine) -> None:
    told = "looks like a password on line 2 (not rejected)"
    warned = msgspec.structs.replace(PREVIEW.file, warnings=[told])
    answers = {"GET /scan/files/1": msgspec.structs.replace(PREVIEW, file=warned)}
    engine.state, engine.answers = BUSY, {**ANSWERS, **answers}
    app = RefactApp(engine.paths)
    async with app.run_test(size=(80, 24)) as pilot:
        await pilot.press("2")
        await sees(pilot, "1–10 of 500")
        await pilot.press("enter")
        await sees(pilot, "✓ accepted", f"! {told}", "def total")
        await pilot.press("escape", "slash")
        await sees(pilot, "warning:secret")
    assert say.file_row(warned).cells[-1] == ("✓ !", "busy")
    assert say.file_row(PREVIEW.file).cells[-1] == ("✓", "good")


async def test_a_long_list_is_walked_to_its_end_and_filtered(engine: StubEngine) -> None:
    engine.state, engine.answers = BUSY, dict(ANSWERS)
    app = RefactApp(engine.paths)
    async with app.run_test(size=(80, 24)) as pilot:
        await pilot.press("2")
        await sees(pilot, "1–10 of 500")
        await pilot.press("G")
        await sees(pilot, "491–500 of 500", "▌src/billing/file_0500.py")
        await pilot.press("ctrl+u", "g")
        await sees(pilot, "▌src/billing/file_0001.py")
        await pilot.press("slash", *"_0123")
        await sees(pilot, "1–1 of 1", "(_0123)", "▏src/billing/file_0123.py")
        await pilot.press("escape")
        await sees(pilot, "1–10 of 500")


async def test_before_while_and_after(engine: StubEngine) -> None:
    engine.state = msgspec.structs.replace(BUSY, scan=None)
    engine.answers = {**ANSWERS, "POST /scan": SCAN}
    app = RefactApp(engine.paths)
    async with app.run_test(size=(80, 24), notifications=True) as pilot:
        await pilot.press("2")
        await sees(pilot, "Not scanned yet. Press n")
        await pilot.press("n")
        await until(pilot, lambda: bool(engine.asked_for("POST /scan")), "the request")
        running = msgspec.structs.replace(SCAN, state="running", job=11)
        engine.publish("scan", running)
        engine.publish(
            "job",
            wire.Job(id=11, kind="scan", name="scan", state="running", done=41, total=100, message="stage 2", eta_s=60),
        )
        await sees(pilot, "▶ stage 2", "41/100", "ETA 1m00s")
        await pilot.press("n")
        await sees(pilot, "A scan is at work already")
        nothing = "0 of 12 files accepted: 7 not_text, 5 too_large; nothing to train on"
        engine.publish("scan", msgspec.structs.replace(SCAN, accepted=0, detail=nothing))
        await sees(pilot, nothing)


async def test_what_is_shown_is_refreshed_where_the_cursor_stands(engine: StubEngine) -> None:
    engine.state, engine.answers = BUSY, dict(ANSWERS)
    app = RefactApp(engine.paths)
    async with app.run_test(size=(80, 24)) as pilot:
        await pilot.press("2")
        await sees(pilot, "1–10 of 500")
        await pilot.press(*"jjj")
        asked = len(engine.asked_for("GET /scan/files"))
        engine.publish("scan", msgspec.structs.replace(SCAN, accepted=8731, rejected=3749))
        await until(pilot, lambda: len(engine.asked_for("GET /scan/files")) > asked, "the files")
        assert app.screen.query_one(VirtualTable).cursor == 3
        assert "▌src/billing/file_0004.py" in screen_text(app)


@given(st.lists(st.integers(0, 10**9), max_size=40), st.floats(0, 12), st.integers(0, 120), st.integers(0, 12))
def test_the_histogram_keeps_to_its_place(buckets: list[int], threshold: float, width: int, height: int) -> None:
    lines = say.histogram(buckets, threshold, width, height)
    assert len(lines) in (0, height)
    assert len({len(line) for line in lines}) <= 1
    if lines and width > 2 * len(buckets):
        assert len(lines[0]) <= width


@given(st.integers(0, 200))
def test_the_funnel_keeps_to_its_line(width: int) -> None:
    text = say.funnel(SCAN, width)
    assert len(text) <= max(width, 60)
    assert "12 480 files" in text
