"""The Scan room before its first scan and with nothing left of the list, at both sizes, against golden screens."""

import socket

import msgspec
import pytest

from refact_tui.frame import RefactApp
from tests.tui.golden import matches
from tests.tui.pilots import sees
from tests.tui.samples import ANSWERS, BUSY
from tests.tui.stub_engine import StubEngine

SIZES = [(80, 24), (120, 36)]


@pytest.fixture(autouse=True)
def same_box(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(socket, "gethostname", lambda: "gpu-box")


@pytest.mark.parametrize("size", SIZES, ids=lambda size: f"{size[0]}x{size[1]}")
async def test_not_scanned_yet(engine: StubEngine, size: tuple[int, int]) -> None:
    engine.state = msgspec.structs.replace(BUSY, scan=None, jobs=[])
    app = RefactApp(engine.paths)
    async with app.run_test(size=size) as pilot:
        await sees(pilot, "● engine")
        await pilot.press("2")
        await sees(pilot, "Not scanned yet")
        await pilot.pause()
        matches(app, f"scan-not-scanned-{size[0]}x{size[1]}")


@pytest.mark.parametrize("size", SIZES, ids=lambda size: f"{size[0]}x{size[1]}")
async def test_filtered_to_nothing(engine: StubEngine, size: tuple[int, int]) -> None:
    engine.state, engine.answers = msgspec.structs.replace(BUSY, jobs=[]), dict(ANSWERS)
    app = RefactApp(engine.paths)
    async with app.run_test(size=size) as pilot:
        await sees(pilot, "● engine")
        await pilot.press("2")
        await sees(pilot, "of 500")
        await pilot.press("slash", *"nowhere", "enter")
        await sees(pilot, "No accepted file matches nowhere")
        await pilot.pause()
        matches(app, f"scan-nothing-{size[0]}x{size[1]}")
