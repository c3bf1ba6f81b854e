"""The frame: every room by its number, a way out that stops nothing, and keys that say why they cannot."""

import subprocess
import sys
from pathlib import Path

import msgspec
import pytest

from backend import wire
from backend.paths import Paths
from refact_tui import frame, keys
from refact_tui.app import why_not
from refact_tui.frame import RefactApp
from refact_tui.rooms import open_room
from refact_tui.state import EngineState, from_wire
from refact_tui.words_of_jobs import farewell
from tests.tui.pilots import room, screen_text, sees, until
from tests.tui.samples import BUSY
from tests.tui.stub_engine import StubEngine

SIZES = [(80, 24), (120, 36)]


@pytest.mark.parametrize("size", SIZES)
async def test_every_room_opens_by_its_number(engine: StubEngine, size: tuple[int, int]) -> None:
    engine.state = BUSY
    app = RefactApp(engine.paths)
    async with app.run_test(size=size) as pilot:
        await sees(pilot, "● engine 3h12m", "▶ train billing-3 42% ETA 18m", "▲ billing-3:320")
        await sees(pilot, *(f"{one.number} {one.title}" for one in keys.ROOMS))
        for one in keys.ROOMS:
            await pilot.press(one.number)
            await sees(pilot, f"▌{one.number} {one.title}")
            text = screen_text(app)
            assert "? help  : command  q detach" in text
            assert len(text.splitlines()) == size[1]


@pytest.mark.parametrize("size", SIZES)
async def test_an_empty_engine_says_what_to_do_in_every_room(engine: StubEngine, size: tuple[int, int]) -> None:
    app = RefactApp(engine.paths)
    async with app.run_test(size=size) as pilot:
        await sees(pilot, "Nothing here yet. Press n")
        await pilot.press("2")
        await sees(pilot, "Nothing to scan yet. Add code first: press 1, then n.")


async def test_q_detaches_and_says_what_goes_on(engine: StubEngine) -> None:
    engine.state = BUSY
    app = RefactApp(engine.paths)
    async with app.run_test() as pilot:
        await sees(pilot, "● engine")
        await pilot.press("escape", "escape", "ctrl+c")
        await sees(pilot, "▌1 Sources")
        await pilot.press("q")
    assert app.return_value == "Detached. The engine keeps running: 1 training job, 1 source being read."


def test_last_words() -> None:
    assert farewell(from_wire(msgspec.structs.replace(BUSY, jobs=[BUSY.jobs[1]]), 0)) == (
        "Detached. The engine keeps running: 1 training job."
    )
    assert "nothing to do" in farewell(from_wire(msgspec.structs.replace(BUSY, jobs=[]), 0))
    assert "did not answer" in farewell(EngineState(link="lost"))


async def test_a_key_that_cannot_act_says_why(engine: StubEngine) -> None:
    app = RefactApp(engine.paths)
    async with app.run_test(notifications=True) as pilot:
        await sees(pilot, "● engine")
        await pilot.press("e")
        await sees(pilot, "e edits; there is nothing in Sources")
        await pilot.press("d")
        await sees(pilot, "There is no source yet; n adds one.")


async def test_help_and_palette_know_the_keys(engine: StubEngine) -> None:
    app = RefactApp(engine.paths)
    async with app.run_test(size=(80, 40)) as pilot:
        await sees(pilot, "● engine")
        await pilot.press("question_mark")
        await sees(pilot, "Change the set: auto, train, test", "Leave; the engine keeps running")
        await pilot.press("escape", "colon")
        await until(pilot, lambda: type(app.screen).__name__ == "CommandPalette", "the palette")
        await pilot.press(*"theme light")
        await sees(pilot, "theme light")
        await pilot.press("enter")
        await until(pilot, lambda: app.theme == "light", "the theme")
    assert RefactApp(engine.paths).theme == "light"


async def test_why_the_link_is_down_stands_on_the_status_line(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("refact_tui.feed.FIRST_WAIT_S", 0.01)

    async def revive(app: RefactApp) -> str:
        return "Port 8008 is in use. Set REFACT_TUI_PORT."

    monkeypatch.setattr(frame.RefactApp, "_revive", revive)
    app = RefactApp(Paths(tmp_path))
    async with app.run_test(size=(80, 24)) as pilot:
        await sees(pilot, "✗ engine lost", "✗ Port 8008 is in use. Set REFACT_TUI_PORT. There is nothing to show")
        assert "Nothing here yet" not in screen_text(app)
        assert len(screen_text(app).splitlines()) == 24


async def test_the_mouse_works_too(engine: StubEngine) -> None:
    app = RefactApp(engine.paths)
    async with app.run_test(size=(80, 24)) as pilot:
        await sees(pilot, "● engine")
        await pilot.click("#rooms", offset=(14, 0))
        await sees(pilot, "▌2 Scan")
        await pilot.click("#hints", offset=(53, 0))
        await sees(pilot, "Which files are worth training on")


async def test_below_the_least_size_it_asks_to_be_made_bigger(engine: StubEngine) -> None:
    app = RefactApp(engine.paths)
    async with app.run_test(size=(59, 15)) as pilot:
        await sees(pilot, "make me bigger (60×16)")
        assert "Sources" not in screen_text(app)
        await pilot.resize_terminal(60, 16)
        await sees(pilot, "1 Sources", "6 System", "q detach")


async def test_the_feed_comes_back_with_what_changed(engine: StubEngine, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("refact_tui.feed.FIRST_WAIT_S", 0.02)
    engine.state = BUSY
    app = RefactApp(engine.paths)
    async with app.run_test() as pilot:
        await sees(pilot, "billing-api")
        engine.publish("source", msgspec.structs.replace(BUSY.sources[0], name="renamed"))
        await sees(pilot, "renamed")
        engine.state = msgspec.structs.replace(BUSY, sources=BUSY.sources[1:2])
        engine.publish("reset", {})
        await until(pilot, lambda: len(app.state.sources) == 1, "the state after a reset")
        engine.hang_up()
        await until(pilot, lambda: app.feed.state.link == "up" and len(engine._streams) >= 3, "the link")


async def test_a_lost_engine_leaves_the_data_and_is_started_again(
    engine: StubEngine, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("refact_tui.feed.FIRST_WAIT_S", 0.01)
    started: list[bool] = []

    async def revive(app: RefactApp) -> str:
        started.append(True)
        engine.answers.pop("GET /state")
        return ""

    monkeypatch.setattr(frame.RefactApp, "_revive", revive)
    engine.state = BUSY
    app = RefactApp(engine.paths)
    async with app.run_test() as pilot:
        await sees(pilot, "billing-api")
        engine.answers["GET /state"] = wire.ErrorAnswer(error=wire.ErrorBody(code="failed", message="Gone."))
        engine.hang_up()
        await until(pilot, lambda: bool(started), "the attempt to start it")
        await sees(pilot, "billing-api")
        assert room(app).state.sources
        await until(pilot, lambda: app.state.link == "up", "the link")
    assert started == [True]


def test_the_registry_is_sound() -> None:
    assert len({key.id for key in keys.KEYS}) == len(keys.KEYS)
    for key in keys.KEYS:
        assert len(key.label) <= 12, key
        assert key.tooltip
    for one in keys.ROOMS:
        screen = open_room(one.noun)
        for key in (*keys.of_room(one.noun), *keys.everywhere()):
            name = key.action.split("(")[0]
            if name and not name.startswith("app."):
                assert hasattr(screen, f"action_{name}"), key
        for tab in one.tabs or (None,):
            taken = [name for key in (*keys.of_room(one.noun, tab), *keys.everywhere()) for name in key.keys.split(",")]
            assert len(taken) == len(set(taken)), (one, tab)
        doing: dict[str, set[str]] = {}
        for key in keys.of_room(one.noun):
            doing.setdefault(key.keys, set()).add(key.action)
        assert all(len(actions) == 1 for actions in doing.values()), one


def test_terminals_that_cannot_draw_are_refused_in_words() -> None:
    assert why_not("xterm-256color", True) == ""
    assert "TERM='dumb'" in why_not("dumb", True)
    assert "ssh -t" in why_not("xterm", False)


def test_no_torch_and_no_room_before_it_is_opened() -> None:
    code = (
        "import sys, refact_tui.frame\n"
        "heavy = {'torch', 'transformers', 'starlette', 'uvicorn', 'plotext', 'refact_tui.rooms.train'}\n"
        "sys.exit(', '.join(sorted(heavy & set(sys.modules))) or 0)\n"
    )
    found = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert found.returncode == 0, found.stderr


async def test_garbage_is_looked_for_again_as_soon_as_the_first_screen_is_there(engine: StubEngine) -> None:
    app = RefactApp(engine.paths)
    drawn: list[str] = []
    app.when_drawn = lambda: drawn.append(screen_text(app))
    async with app.run_test(size=(80, 24)) as pilot:
        await sees(pilot, "● engine")
    assert len(drawn) == 1 and "1 Sources" in drawn[0]
    code = (
        "import gc, refact_tui.app as app\n"
        "gc.disable(); app.collect_again(); print(gc.isenabled(), gc.get_freeze_count() > 0)"
    )
    found = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert found.stdout.split() == ["True", "True"]
