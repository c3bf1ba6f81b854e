"""The Scan room by keyboard: marks, files by hand, masks with a live count, languages, the threshold, and undo."""

from typing import Any

import msgspec
import pytest
from textual.widgets import TextArea

from backend import wire
from refact_tui.frame import RefactApp
from tests.tui.pilots import sees, until
from tests.tui.samples import ANSWERS, BUSY, SCAN
from tests.tui.stub_engine import StubEngine

SETTINGS, BY_HAND = "POST /scan/settings", "POST /scan/by-hand"


@pytest.fixture
def scanned(engine: StubEngine) -> StubEngine:
    """An engine that keeps settings and tells what they are."""
    kept = [wire.ScanSettings()]

    def change(request: Any, body: Any) -> wire.Scan:
        kept[0] = msgspec.convert(body, wire.ScanSettings)
        return SCAN

    def by_hand(request: Any, body: Any) -> wire.ByHandDone:
        refused = [f"file {id_}: duplicate may never be included by hand" for id_ in body["ids"] if id_ == 3]
        return wire.ByHandDone(changed=[id_ for id_ in body["ids"] if id_ != 3], refused=refused, scan=SCAN)

    engine.state = BUSY
    engine.answers = {
        **ANSWERS,
        "GET /scan/settings": lambda request, body: kept[0],
        SETTINGS: change,
        BY_HAND: by_hand,
        "POST /scan/touched": lambda request, body: wire.Touched(files=len(body["patterns"]) * 10, accepted=7),
    }
    return engine


async def test_files_by_hand(scanned: StubEngine) -> None:
    app = RefactApp(scanned.paths)
    async with app.run_test(size=(80, 24), notifications=True) as pilot:
        await pilot.press("2")
        await sees(pilot, "1–10 of 500")
        await pilot.press("space", "space", "space")
        await sees(pilot, "●src/billing/file_0001.py", "●src/billing/file_0003.py", "▌src/billing/file_0004.py")
        await pilot.press("minus")
        await until(pilot, lambda: bool(scanned.asked_for(BY_HAND)), "the request")
        assert scanned.asked_for(BY_HAND) == [{"what": "exclude", "ids": [1, 2, 3]}]
        await sees(pilot, "2 files excluded by hand; u undoes", "file 3: duplicate may never be included")
        await pilot.press("u")
        await until(pilot, lambda: len(scanned.asked_for(BY_HAND)) == 2, "the undoing")
        assert scanned.asked_for(BY_HAND)[1] == {"what": "auto", "ids": [1, 2]}
        await pilot.press("u")
        await sees(pilot, "Nothing has been changed here")


async def test_the_threshold_moves_at_once_and_is_told_once(scanned: StubEngine) -> None:
    app = RefactApp(scanned.paths)
    async with app.run_test(size=(80, 24)) as pilot:
        await pilot.press("2")
        await sees(pilot, "threshold 3 nats")
        await pilot.press("right", "right", "right")
        await sees(pilot, "threshold 3.3 nats")
        await until(pilot, lambda: bool(scanned.asked_for(SETTINGS)), "the request")
        assert [body["threshold"] for body in scanned.asked_for(SETTINGS)] == [3.3]
        await pilot.press("u")
        await until(pilot, lambda: len(scanned.asked_for(SETTINGS)) == 2, "the undoing")
        assert scanned.asked_for(SETTINGS)[1]["threshold"] is None


async def test_masks_are_counted_before_they_are_saved(scanned: StubEngine) -> None:
    app = RefactApp(scanned.paths)
    async with app.run_test(size=(80, 24)) as pilot:
        await pilot.press("2")
        await sees(pilot, "1–10 of 500")
        await pilot.press("m")
        await sees(pilot, "Masks", "exclude: rejected")
        app.screen.query_one("#masks-exclude", TextArea).insert("*.sql\ngen/\n")
        await sees(pilot, "matches 20 files, 7 of them accepted now")
        await pilot.press("ctrl+s")
        await until(pilot, lambda: bool(scanned.asked_for(SETTINGS)), "the request")
        assert scanned.asked_for(SETTINGS)[0]["exclude"] == ["*.sql", "gen/"]
        await pilot.press("m")
        await sees(pilot, "*.sql")
        await pilot.press("escape")
        await sees(pilot, "1–10 of 500")
        assert len(scanned.asked_for(SETTINGS)) == 1


async def test_a_language_is_switched(scanned: StubEngine) -> None:
    app = RefactApp(scanned.paths)
    async with app.run_test(size=(80, 24), notifications=True) as pilot:
        await pilot.press("2")
        await sees(pilot, "[x] Python")
        app.screen.query_one("#scan-languages").focus()
        await pilot.press("space")
        await until(pilot, lambda: bool(scanned.asked_for(SETTINGS)), "the request")
        assert scanned.asked_for(SETTINGS)[0]["languages_off"] == ["Python"]
        app.screen.query_one("#scan-reasons").focus()
        await pilot.press("space")
        await sees(pilot, "space marks a file")
