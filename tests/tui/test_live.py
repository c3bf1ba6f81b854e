"""What is live costs only what is seen: one room, one tab, at most four times a second; `p` lets it stand still."""

import asyncio
from collections.abc import Callable
from typing import Any

import msgspec
import pytest
from starlette.requests import Request

from backend import wire
from refact_tui import feed, frame
from refact_tui.frame import RefactApp
from refact_tui.messages import StateChanged
from refact_tui.rooms import train
from refact_tui.rooms.room import Room
from refact_tui.rooms.sources import SourcesRoom
from refact_tui.rooms.train import TrainRoom
from refact_tui.state import EngineState, held
from refact_tui.widgets import loss_plot
from refact_tui.widgets.listing import Listing
from tests.tui import tuning_samples as samples
from tests.tui.pilots import press, screen_text, sees, until
from tests.tui.samples import BUSY, JOB, SOURCES
from tests.tui.stub_engine import ENGINE, StubEngine

RUN = "/train/runs/billing-3"


@pytest.fixture
def busy(engine: StubEngine, monkeypatch: pytest.MonkeyPatch) -> StubEngine:
    monkeypatch.setattr(loss_plot, "EVERY_S", 0.0)
    monkeypatch.setattr(train, "FOLLOW_S", 0.05)
    engine.state, engine.answers = samples.STATE, samples.answers()
    return engine


def seen(monkeypatch: pytest.MonkeyPatch, kind: type[Room]) -> list[EngineState]:
    """The states that rooms of this kind draw from now on."""
    drawn: list[EngineState] = []
    plain: Callable[[Any, EngineState], None] = kind.draw

    def draw(room: Any, state: EngineState) -> None:
        drawn.append(state)
        plain(room, state)

    monkeypatch.setattr(kind, "draw", draw)
    return drawn


async def test_a_room_nobody_sees_is_not_drawn(busy: StubEngine, monkeypatch: pytest.MonkeyPatch) -> None:
    hidden, shown = seen(monkeypatch, TrainRoom), seen(monkeypatch, SourcesRoom)
    app = RefactApp(busy.paths)
    async with app.run_test(size=(80, 24)) as pilot:
        await press(pilot, "3")
        await sees(pilot, "billing-3")
        await press(pilot, "1")
        await sees(pilot, "▌1 Sources")
        before = len(hidden), len(shown)
        busy.publish("source", msgspec.structs.replace(SOURCES[0], name="renamed"))
        busy.publish("run", msgspec.structs.replace(samples.RUN, step=77))
        await sees(pilot, "renamed")
        assert len(hidden) == before[0] and len(shown) > before[1]
        await press(pilot, "3")
        await sees(pilot, "77/100")


async def test_a_tab_nobody_sees_is_neither_drawn_nor_asked_for(
    busy: StubEngine, monkeypatch: pytest.MonkeyPatch
) -> None:
    drawn: list[str | None] = []
    plain = Listing.show

    def show(listing: Listing, *rows: Any, **more: Any) -> None:
        drawn.append(listing.id)
        plain(listing, *rows, **more)

    monkeypatch.setattr(Listing, "show", show)
    app = RefactApp(busy.paths)
    async with app.run_test(size=(80, 24)) as pilot:
        await press(pilot, "3")
        await sees(pilot, "trainer started")
        busy.publish("run", msgspec.structs.replace(samples.RUN, step=77))
        await sees(pilot, "77/100")
        assert "train-runs" in drawn and "train-checkpoints" not in drawn
        await press(pilot, "right_square_bracket")
        await sees(pilot, "[Checkpoints]", "CHECKPOINT")
        assert "train-checkpoints" in drawn
        logs = len(busy.asked_for(f"GET {RUN}/log"))
        measured = len(busy.asked_for(f"GET {RUN}/metrics"))
        busy.publish("run", msgspec.structs.replace(samples.RUN, step=78))
        await until(pilot, lambda: len(busy.asked_for(f"GET {RUN}/metrics")) > measured, "the plot's new point")
        assert len(busy.asked_for(f"GET {RUN}/log")) == logs


async def test_only_what_is_new_of_a_run_is_asked_for(busy: StubEngine) -> None:
    asked: list[int] = []

    def metrics(request: Request, _: object) -> list[wire.Metric]:
        after = int(request.query_params["after"])
        asked.append(after)
        return [samples.metric(step) for step in range(max(0, after + 1), busy.state.runs[0].step + 1)]

    busy.answers[f"GET {RUN}/metrics"] = metrics
    app = RefactApp(busy.paths)

    def points() -> list[wire.Metric]:
        assert isinstance(app.room, TrainRoom)
        return app.room._metrics.get("billing-3", [])

    async def goes_to(step: int) -> None:
        run = msgspec.structs.replace(samples.RUN, step=step)
        busy.state = msgspec.structs.replace(busy.state, runs=[run, samples.DONE])
        busy.publish("run", run)
        count = len(asked)
        await until(pilot, lambda: len(asked) > count, f"step {step}")
        await until(pilot, lambda: points()[-1].step == step, f"the points up to {step}")
        assert [one.step for one in points()] == list(range(step + 1))

    async with app.run_test(size=(80, 24)) as pilot:
        await press(pilot, "3")
        await until(pilot, lambda: bool(points()), "the first points")
        await goes_to(60)
        await goes_to(61)
        await goes_to(30)  # a trainer that died goes on from its last state
    assert asked == [-1, 39, 59, -1]


async def test_the_newest_of_many_states_is_told_and_drawn(busy: StubEngine, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(feed, "TELL_EVERY_S", 0.5)
    app = RefactApp(busy.paths)
    async with app.run_test(size=(80, 24)) as pilot:
        await press(pilot, "3")
        await sees(pilot, "40/100")
        drawn = seen(monkeypatch, TrainRoom)
        for step in range(41, 91):
            busy.publish("run", msgspec.structs.replace(samples.RUN, step=step))
        await sees(pilot, "90/100")
        assert len({state.runs[0].step for state in drawn}) < 10


async def test_a_state_supersedes_those_still_waiting(engine: StubEngine, monkeypatch: pytest.MonkeyPatch) -> None:
    shown: list[EngineState] = []
    app = RefactApp(engine.paths)
    async with app.run_test() as pilot:
        await sees(pilot, "● engine")
        monkeypatch.setattr(app, "_show", shown.append)
        states = [msgspec.structs.replace(ENGINE, pid=number) for number in range(5)]
        for one in states:
            app.post_message(StateChanged(EngineState(engine=one)))
        await pilot.pause()
    assert [state.engine for state in shown] == states[-1:]


def test_only_places_of_a_cursor_supersede_each_other() -> None:
    one, other = Listing(()), Listing(())
    moved = Listing.Moved(one, "a")
    assert moved.can_replace(Listing.Moved(one, "b"))
    assert not moved.can_replace(Listing.Moved(other, "b"))
    assert not moved.can_replace(Listing.Opened(one, "a"))
    assert not Listing.Opened(one, "a").can_replace(Listing.Opened(one, "a"))


@pytest.mark.parametrize("size", [(80, 24), (120, 36)])
async def test_p_lets_the_screen_stand_still_and_catch_up(busy: StubEngine, size: tuple[int, int]) -> None:
    app = RefactApp(busy.paths)
    async with app.run_test(size=size) as pilot:
        await press(pilot, "3")
        await sees(pilot, "40/100", "trainer started", "▪")
        await press(pilot, "p")
        await sees(pilot, "‖ paused", "p go on")
        still = screen_text(app)
        busy.publish("run", msgspec.structs.replace(samples.RUN, step=77))
        busy.publish("source", msgspec.structs.replace(SOURCES[0], name="renamed"))
        await until(pilot, lambda: app.feed.state.sources[0].name == "renamed", "the news")
        await pilot.pause(0.6)
        assert screen_text(app) == still
        await press(pilot, "1")
        await sees(pilot, "‖ paused", "billing-api")
        assert "renamed" not in screen_text(app)
        await press(pilot, "p")
        await sees(pilot, "renamed")
        assert "paused" not in screen_text(app)
        await press(pilot, "3")
        await sees(pilot, "77/100")


async def test_a_screen_that_stands_still_tells_of_a_lost_engine(
    busy: StubEngine, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("refact_tui.feed.FIRST_WAIT_S", 0.01)

    async def revive(app: RefactApp) -> str:
        return "It cannot be started."

    monkeypatch.setattr(frame.RefactApp, "_revive", revive)
    app = RefactApp(busy.paths)
    async with app.run_test(size=(80, 24), notifications=True) as pilot:
        await sees(pilot, "billing-api")
        await press(pilot, "p")
        await sees(pilot, "‖ paused")
        busy.answers["GET /state"] = wire.ErrorAnswer(error=wire.ErrorBody(code="failed", message="Gone."))
        busy.hang_up()
        await sees(pilot, "✗ engine lost  ‖ paused", "It cannot be started. What is shown is", "billing-api")
        del busy.answers["GET /state"]
        await sees(pilot, "● engine", "‖ paused", "The engine answers again.")


def test_what_stands_still_stays_the_same_value() -> None:
    shown = EngineState(engine=ENGINE, link="up")
    once = held(shown, EngineState(engine=ENGINE, link="up", logged=1))
    assert once.paused and not once.logged
    assert held(once, EngineState(engine=ENGINE, link="up", logged=2)) is once
    assert held(once, EngineState(engine=ENGINE, link="lost")).link == "lost"


async def test_time_goes_on_for_what_is_told_of_no_more(engine: StubEngine, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("refact_tui.rooms.room.EVERY_S", 0.05)
    started = "2020-01-01T00:00:00.000+00:00"
    checking = msgspec.structs.replace(
        JOB, kind="model", name="own", message="checking", total=0, done=0, started=started
    )
    engine.state = msgspec.structs.replace(BUSY, jobs=[checking])
    app = RefactApp(engine.paths)
    async with app.run_test(size=(80, 24)) as pilot:
        await press(pilot, "5")
        await sees(pilot, "◌ own: checking  ", "elapsed ")
        drawn = seen(monkeypatch, type(app.room))  # type: ignore[arg-type]
        await asyncio.sleep(0.2)
        await until(pilot, lambda: len(drawn) > 2, "another drawing")
        await press(pilot, "p")
        await sees(pilot, "‖ paused")
        count = len(drawn)
        await pilot.pause(0.3)
        assert len(drawn) == count


async def test_what_ends_elsewhere_is_told_of(engine: StubEngine) -> None:
    engine.state = BUSY
    app = RefactApp(engine.paths)
    async with app.run_test(size=(80, 24), notifications=True) as pilot:
        await sees(pilot, "billing-api")
        engine.publish("job", msgspec.structs.replace(JOB, state="done", done=100))
        failed = msgspec.structs.replace(BUSY.jobs[1], state="failed", message="The disk is full.", hint="Free some.")
        engine.publish("job", failed)
        await sees(pilot, "train billing-3 failed: The disk is full. Free some.")
        assert "read payments is done" not in screen_text(app)  # it is seen in this room


async def test_a_room_that_was_left_wears_the_new_colours_when_one_comes_back(busy: StubEngine) -> None:
    app = RefactApp(busy.paths)

    def look() -> list[list[object]]:
        return [[segment.style for segment in strip] for strip in app.screen._compositor.render_strips()]

    async with app.run_test(size=(80, 24)) as pilot:
        await press(pilot, "3")
        await sees(pilot, "trainer started", "▪")
        dark = look()
        await press(pilot, "1")
        await sees(pilot, "billing-api")
        app.theme = "light"
        await pilot.pause()
        await press(pilot, "3")
        await sees(pilot, "▌3 Train", "trainer started")
        light = look()
        assert light != dark
        app.screen.update_node_styles(animate=False)
        await pilot.pause()
        assert look() == light
