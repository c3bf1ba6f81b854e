"""Every room at both sizes while the engine is empty, at work, done, in trouble and lost, against golden screens."""

import socket
from contextlib import AsyncExitStack
from datetime import UTC, datetime, tzinfo
from pathlib import Path
from typing import Any

import pytest
from textual.pilot import Pilot

from backend.paths import Paths
from refact_tui import frame, keys, words
from refact_tui.frame import RefactApp
from refact_tui.rooms import system_doctor
from refact_tui.state import EngineState
from refact_tui.widgets import loss_plot, lost_line
from tests.tui.golden import matches
from tests.tui.pilots import press, room, screen_text, sees, settled, until
from tests.tui.states import STATES, answers
from tests.tui.stub_engine import StubEngine, stub

SIZES = [(80, 24), (120, 36)]
NOW = datetime(2026, 11, 24, 9, 22, tzinfo=UTC)
WHY = "The port 8008 is taken by another program. Set REFACT_TUI_PORT to another one."
NEXT = "right_square_bracket"
Looks = dict[str, tuple[list[str], list[str]]]
SEEN: dict[str, Looks] = {
    "empty": {
        "sources": ([], ["Nothing here yet"]),
        "scan": ([], ["Nothing to scan yet"]),
        "train": ([], ["No runs yet, and nothing to train on"]),
        "checkpoints": ([], ["No checkpoints yet"]),
        "serve": ([], ["No model is hosted yet"]),
        "system": ([NEXT, NEXT], ["No jobs since"]),
    },
    "busy": {
        "sources": (["G"], ["▌payments", "ETA 9s"]),
        "scan": ([], ["▶ stage 2", "of 500"]),
        "train": ([], ["trainer started", "▪"]),
        "checkpoints": ([], ["▌billing-3:40"]),
        "serve": ([], ["downloading 41 %"]),
        "system": ([NEXT, NEXT], ["▌scan"]),
    },
    "done": {
        "sources": ([], ["▌billing-api", "22 m ago"]),
        "scan": ([], ["Held out", "of 500"]),
        "train": ([], ["held-out, 100 places", "▪"]),
        "checkpoints": (["G", "k"], ["▌billing-2:80", "95 % interval"]),
        "serve": ([], ["31 %"]),
        "system": ([NEXT, NEXT], ["✓ done"]),
    },
    "failed": {
        "sources": (["G"], ["Repository not found"]),
        "scan": ([], ["✗ failed", "of 500"]),
        "train": (["G"], ["✗ failed: The loss was not a number", "R resumes it"]),
        "checkpoints": (["enter"], ["✗ billing-3:40 cannot be read"]),
        "serve": ([], ["✗ qwen2.5-coder-1.5b: It needs"]),
        "system": ([NEXT, NEXT], ["Repository not found"]),
    },
}
"""By state and room: keys that are pressed once it is open, and what is then seen."""


class Clock(datetime):
    """It is always the same time."""

    @classmethod
    def now(cls, tz: tzinfo | None = None) -> "Clock":
        return cls.fromtimestamp(NOW.timestamp(), tz or UTC)


@pytest.fixture(autouse=True)
def same_box(monkeypatch: pytest.MonkeyPatch) -> None:
    async def revive(app: RefactApp) -> str:
        return WHY

    said = lost_line.lost_words

    def aged(state: EngineState, now: float) -> str:
        return said(state, state.down_since + 72)

    monkeypatch.setattr(socket, "gethostname", lambda: "gpu-box")
    monkeypatch.setattr(words, "datetime", Clock)
    monkeypatch.setattr(loss_plot, "EVERY_S", 0.0)
    monkeypatch.setattr(system_doctor, "terminal_findings", list)
    monkeypatch.setattr(lost_line, "lost_words", aged)
    monkeypatch.setattr(frame.RefactApp, "_revive", revive)
    monkeypatch.setattr("refact_tui.feed.FIRST_WAIT_S", 0.01)


async def look(pilot: Pilot[Any], looks: Looks, name: str = "") -> None:
    """Go through the rooms, press what is to be pressed in each, and hold each against its golden screen."""
    app = pilot.app
    assert isinstance(app, RefactApp)
    for one in keys.ROOMS:
        pressed, seen = looks[one.noun]
        if one.noun != room(app).NOUN:
            await press(pilot, one.number)
        await until(pilot, lambda noun=one.noun: noun == room(app).NOUN, one.noun)  # type: ignore[misc]
        await press(pilot, *pressed)
        await sees(pilot, *seen)
        await settled(pilot)
        if name:
            matches(app, f"{one.noun}-{name}-{app.size.width}x{app.size.height}")


@pytest.mark.parametrize("size", SIZES, ids=lambda size: f"{size[0]}x{size[1]}")
@pytest.mark.parametrize("name", STATES)
async def test_each_room(engine: StubEngine, name: str, size: tuple[int, int]) -> None:
    engine.state, engine.answers = STATES[name], answers()
    app = RefactApp(engine.paths)
    app.paths = Paths(Path("/home/ann/.local/share/refact-tui"))
    async with app.run_test(size=size) as pilot:
        await sees(pilot, "● engine")
        await look(pilot, SEEN[name], name)


async def test_what_is_old_is_dimmed_without_colours_too(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("NO_COLOR", "1")
    engine = stub(tmp_path)
    engine.state, engine.answers = STATES["busy"], answers()
    app = RefactApp(engine.paths)
    async with AsyncExitStack() as serving:
        await serving.enter_async_context(engine.serve())
        async with app.run_test(size=(80, 24)) as pilot:
            await sees(pilot, "● engine", "legacy.tar.gz")

            def dim() -> set[bool]:
                lines = app.screen._compositor.render_strips()
                words = [one for line in lines for one in line if "legacy" in one.text or "branch" in one.text]
                assert len(words) == 2
                return {bool(one.style and one.style.dim) for one in words}

            assert dim() == {False}
            await serving.aclose()
            await sees(pilot, "✗ engine lost")
            await until(pilot, lambda: dim() == {True}, "less light")


@pytest.mark.parametrize("size", SIZES, ids=lambda size: f"{size[0]}x{size[1]}")
async def test_each_room_when_the_engine_is_lost(tmp_path: Path, size: tuple[int, int]) -> None:
    """What was known stays, and above it stands why nothing new comes."""
    engine = stub(tmp_path)
    engine.state, engine.answers = STATES["busy"], answers()
    app = RefactApp(engine.paths)
    async with AsyncExitStack() as serving:
        await serving.enter_async_context(engine.serve())
        async with app.run_test(size=size) as pilot:
            await sees(pilot, "● engine")
            await look(pilot, SEEN["busy"])
            await press(pilot, *[NEXT] * 5)
            await sees(pilot, "[Doctor]", "Python 3.11.7")
            await serving.aclose()
            await sees(pilot, "✗ engine lost", "What is shown is 1m old")
            await press(pilot, "1", "6")
            await sees(pilot, "[Doctor]", "Python 3.11.7")  # it could not look again
            await press(pilot, NEXT, NEXT)
            await press(pilot, "1")
            await look(pilot, {one: ([], seen) for one, (_, seen) in SEEN["busy"].items()}, "lost")
            assert "-stale" in room(app).classes
            assert str(tmp_path) not in screen_text(app)
