"""The Scan room in each of its states, at both sizes, against golden screens."""

import socket

import msgspec
import pytest

from backend import wire
from refact_tui.frame import RefactApp
from tests.tui.golden import matches
from tests.tui.pilots import sees
from tests.tui.samples import ANSWERS, BUSY, SCAN
from tests.tui.stub_engine import EMPTY, StubEngine

SIZES = [(80, 24), (120, 36)]
RUNNING = wire.Job(
    id=11,
    kind="scan",
    name="scan",
    state="running",
    done=41,
    total=100,
    rate=812.0,
    unit="files",
    message="stage 2",
    eta_s=60,
)
STATES = {
    "empty": (EMPTY, "Nothing to scan yet"),
    "not-scanned": (msgspec.structs.replace(BUSY, scan=None, jobs=[]), "Not scanned yet"),
    "scanning": (
        msgspec.structs.replace(BUSY, scan=msgspec.structs.replace(SCAN, state="running", job=11), jobs=[RUNNING]),
        "▶ stage 2",
    ),
    "done": (msgspec.structs.replace(BUSY, jobs=[]), "1–"),
    "failed": (
        msgspec.structs.replace(
            BUSY, scan=msgspec.structs.replace(SCAN, state="failed", detail="The scan's process ended early."), jobs=[]
        ),
        "✗ failed",
    ),
}


@pytest.fixture(autouse=True)
def same_box(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(socket, "gethostname", lambda: "gpu-box")


@pytest.mark.parametrize("size", SIZES, ids=lambda size: f"{size[0]}x{size[1]}")
@pytest.mark.parametrize("name", STATES)
async def test_each_state(engine: StubEngine, name: str, size: tuple[int, int]) -> None:
    state, words = STATES[name]
    engine.state, engine.answers = state, dict(ANSWERS)
    app = RefactApp(engine.paths)
    async with app.run_test(size=size) as pilot:
        await sees(pilot, "● engine")
        await pilot.press("2")
        await sees(pilot, words)
        if state.scan is not None:
            await sees(pilot, "of 500")
        await pilot.pause()
        matches(app, f"scan-{name}-{size[0]}x{size[1]}")


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
