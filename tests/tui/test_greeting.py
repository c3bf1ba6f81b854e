"""An engine with nothing in it greets, and each of its three ways leads on; the next step stands on every screen."""

import socket
import sys
from pathlib import Path

import msgspec
import pytest

from refact_tui import checkout, demo, frame
from refact_tui.frame import RefactApp
from tests.tui.golden import matches
from tests.tui.pilots import press, screen_text, sees, until
from tests.tui.samples import ANSWERS, SCAN, SERVING, source
from tests.tui.stub_engine import EMPTY, StubEngine
from tests.tui.tuning_samples import DONE, POINTS

SIZES = [(80, 24), (120, 36)]
NEW = msgspec.structs.replace(EMPTY, fresh=True)
HERE = Path("/home/ann/src/refact-tui")


@pytest.fixture(autouse=True)
def same_box(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(socket, "gethostname", lambda: "gpu-box")
    monkeypatch.setattr(checkout, "to_show", lambda: HERE)


@pytest.mark.parametrize("size", SIZES, ids=lambda size: f"{size[0]}x{size[1]}")
@pytest.mark.parametrize("way", ["add", "demo", "engine"])
async def test_the_three_ways(engine: StubEngine, size: tuple[int, int], way: str) -> None:
    engine.state = NEW
    app = RefactApp(engine.paths)
    async with app.run_test(size=size) as pilot:
        await sees(pilot, "Add your code", "Run the demo", "Another engine")
        await press(pilot, *{"add": "", "demo": "j", "engine": "jj"}[way])
        await sees(pilot, {"add": "n does so too", "demo": str(HERE), "engine": "By its state folder"}[way])
        matches(app, f"sources-greeting-{way}-{size[0]}x{size[1]}")


async def test_adding_is_the_first_way_and_leads_to_the_list(engine: StubEngine) -> None:
    engine.state = NEW
    engine.answers["POST /sources"] = code = source(1, "code", state="queued", commit=None)
    app = RefactApp(engine.paths)
    async with app.run_test(size=(80, 24)) as pilot:
        await sees(pilot, "Add your code")
        await press(pilot, "enter")
        await sees(pilot, "enter add · tab next")
        await press(pilot, *"/srv", "enter")
        await until(pilot, lambda: bool(engine.asked_for("POST /sources")), "the request")
        engine.publish("source", code)
        await sees(pilot, "▌code", "Now: your code is being read")
        assert "Run the demo" not in screen_text(app)
        await until(pilot, lambda: app.focused is not None and app.focused.id == "sources-list", "the focus")
        engine.publish("source", source(1, "code"))
        await sees(pilot, "Next: 2 then n to scan")
        await press(pilot, "2")
        await sees(pilot, "Next: n to scan")


async def test_where_there_is_no_checkout_that_is_said_and_no_demo_is_offered(
    engine: StubEngine, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(checkout, "to_show", lambda: None)
    engine.state = NEW
    app = RefactApp(engine.paths)
    async with app.run_test(size=(80, 24)) as pilot:
        await sees(pilot, "No demo: this program was neither started in a git checkout", "Another engine")
        assert "Run the demo" not in screen_text(app)


async def test_an_engine_of_elsewhere_is_not_offered_what_lies_here(engine: StubEngine) -> None:
    engine.state = NEW
    app = RefactApp(engine.paths, own=False)
    async with app.run_test(size=(80, 24)) as pilot:
        await sees(pilot, "No demo", "Another engine")
        assert "Run the demo" not in screen_text(app)


async def run_demo(engine: StubEngine, monkeypatch: pytest.MonkeyPatch, code: str, *then: str) -> None:
    """The demo chosen, with a program of these lines for the job."""
    monkeypatch.setattr(demo, "COMMAND", (sys.executable, "-c", code))
    monkeypatch.setattr(frame, "DEMO_S", 0.05)
    engine.paths.logs.mkdir(exist_ok=True)
    engine.state = NEW
    app = RefactApp(engine.paths)
    async with app.run_test(size=(80, 24)) as pilot:
        await sees(pilot, "Run the demo")
        await press(pilot, "j", "enter")
        await sees(pilot, *then)
        await press(pilot, "escape")
        await until(pilot, lambda: "esc close" not in screen_text(app), "the way back")
        assert not app.demo.begun


async def test_the_last_words_of_a_demo_are_shown_once(engine: StubEngine, monkeypatch: pytest.MonkeyPatch) -> None:
    code = "import sys; print('before and after of', sys.argv[1], '\\x1b[2J')"
    await run_demo(engine, monkeypatch, code, f"before and after of {HERE} ␛[2J", "quickstart.log")


async def test_why_a_demo_has_failed_is_said(engine: StubEngine, monkeypatch: pytest.MonkeyPatch) -> None:
    code = "import sys; print('source  a', file=sys.stderr); sys.exit('Too little to learn from.')"
    await run_demo(engine, monkeypatch, code, "The demo has failed", "Too little to learn from.")


async def test_what_a_demo_has_left_is_shown_to_who_comes_back(engine: StubEngine) -> None:
    engine.paths.logs.mkdir()
    (engine.paths.logs / "quickstart.txt").write_text("It was 0.279 and is 0.290.\n")
    app = RefactApp(engine.paths)
    async with app.run_test(size=(80, 24)) as pilot:
        await sees(pilot, "It was 0.279 and is 0.290.")


async def test_the_next_step_stands_in_every_room_until_it_was_taken(engine: StubEngine) -> None:
    engine.state = msgspec.structs.replace(
        NEW, sources=[source(1, "code")], scan=SCAN, runs=[DONE], checkpoints=[POINTS[2]], serving=[SERVING]
    )
    engine.answers.update(ANSWERS)
    app = RefactApp(engine.paths)
    async with app.run_test(size=(80, 24)) as pilot:
        for number in "12346":
            await press(pilot, number)
            await sees(pilot, "Next: 5 then enter, ctrl+space to try it", "q detach")
            assert len(screen_text(app).splitlines()) == 24
        await press(pilot, "5")
        await sees(pilot, "Next: enter, ctrl+space to try it")
        engine.publish("requests", {"changes": 1, "fresh": False})
        for number in "654321":
            await press(pilot, number)
            await until(pilot, lambda: "Next:" not in screen_text(app), "the end of it")


async def test_too_small_a_screen_says_only_that(engine: StubEngine) -> None:
    engine.state = NEW
    app = RefactApp(engine.paths)
    async with app.run_test(size=(59, 15)) as pilot:
        await sees(pilot, "make me bigger")
        await press(pilot, "2")
        await sees(pilot, "make me bigger")
        assert "Next" not in screen_text(app)
