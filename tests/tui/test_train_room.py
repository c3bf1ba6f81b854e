"""The Train room by keyboard: nights, comparing, files, names, the trash, and undo."""

from typing import Any

import msgspec
import pytest

from backend import wire
from refact_tui.frame import RefactApp
from refact_tui.rooms import train
from refact_tui.widgets import loss_plot
from refact_tui.widgets.reading import Reading
from tests.tui import tuning_samples as samples
from tests.tui.pilots import room, screen_text, sees, until
from tests.tui.stub_engine import StubEngine

RUN = "/train/runs/billing-3"
DONE = "/train/runs/billing-2"


def refused(message: str, hint: str = "") -> wire.ErrorAnswer:
    return wire.ErrorAnswer(error=wire.ErrorBody(code="refused", message=message, hint=hint))


@pytest.fixture
def busy(engine: StubEngine, monkeypatch: pytest.MonkeyPatch) -> StubEngine:
    monkeypatch.setattr(loss_plot, "EVERY_S", 0.0)
    engine.state, engine.answers = samples.STATE, samples.answers()
    return engine


async def test_what_is_done_every_night_is_said_and_undone(busy: StubEngine) -> None:
    never = wire.Schedule()
    nightly = wire.Schedule(at="02:00", minutes=30.0, next="2026-11-25T02:00:00+00:00", last="nothing new")

    def put(_: Any, body: dict[str, Any]) -> Any:
        if body["at"] == "2":
            return refused("'2' is no time of day.", "Write it as 02:00.")
        return nightly if body["at"] else never

    busy.answers |= {"GET /train/schedule": never, "POST /train/schedule": put}
    app = RefactApp(busy.paths)
    async with app.run_test(size=(80, 24), notifications=True) as pilot:
        await pilot.press("3")
        await sees(pilot, "billing-3")
        await pilot.press("N")
        await sees(pilot, "Every night", "Nothing is done by itself.")
        await pilot.press("2", "tab", *"half", "enter")
        await sees(pilot, "✗ minutes must be a number, not 'half'.")
        await pilot.press(*["backspace"] * 4, *"30", "enter")
        await sees(pilot, "✗ '2' is no time of day. Write it as 02:00.")
        await pilot.press("shift+tab", *"02:00", "enter")
        await sees(pilot, "Every night at 02:00: sync, scan, train for 30 minutes")
        busy.answers["GET /train/schedule"] = nightly
        await pilot.press("N")
        await sees(pilot, "next  2026-11-25 02:00", "last  nothing new")
        await pilot.press("escape", "u")
        await until(pilot, lambda: len(busy.asked_for("POST /train/schedule")) == 3, "the undo")
    assert [one["at"] for one in busy.asked_for("POST /train/schedule")] == ["2", "02:00", ""]


async def test_two_runs_are_compared(busy: StubEngine) -> None:
    app = RefactApp(busy.paths)
    async with app.run_test(size=(80, 24)) as pilot:
        await pilot.press("3")
        await sees(pilot, "billing-3", "best ★", "trainer started")
        await pilot.press("c")
        await sees(
            pilot, "●billing-2", "▪ billing-3 ⟷ ▫ billing-2", "differ in lora_r 16 | 8", "billing-2 1.050 @ 80 (−12 %)"
        )
        await until(pilot, lambda: screen_text(app).count("▫") > 3, "the other curve")
        await pilot.press("escape")
        await sees(pilot, "train ─  test ▪")
        await pilot.press("space", "j")
        await sees(pilot, "●billing-3", "▪ billing-2 ⟷ ▫ billing-3")
        await pilot.press("c")
        await sees(pilot, "train ─  test ▪")
        assert "●billing" not in screen_text(app)
        other = msgspec.structs.replace(samples.DONE, test_loss=wire.TestLoss(base=1.3, best=1.05, last=1.06))
        busy.publish("run", other)
        await pilot.press("space", "k")
        await sees(pilot, "! other held-out text: base 1.200 | 1.300")


async def test_one_run_alone_cannot_be_compared(busy: StubEngine) -> None:
    busy.state = msgspec.structs.replace(samples.STATE, runs=[samples.RUN])
    app = RefactApp(busy.paths)
    async with app.run_test(size=(80, 24), notifications=True) as pilot:
        await pilot.press("3")
        await sees(pilot, "billing-3")
        await pilot.press("c")
        await sees(pilot, "Two runs are needed to compare")


async def test_the_files_of_a_run_are_paged_narrowed_and_read(busy: StubEngine) -> None:
    app = RefactApp(busy.paths)
    key = samples.FILES[40].sha256
    file = wire.ScannedFile(
        id=0,
        path=samples.FILES[40].path,
        source="billing-api",
        language="Python",
        size=9,
        verdict="accepted",
        reason=None,
        detail="",
        loss=1.0,
        set="test",
    )
    busy.answers[f"GET {RUN}/files/{key}"] = wire.FilePreview(file=file, text="total = 1\n")
    async with app.run_test(size=(80, 24)) as pilot:
        await pilot.press("3", "slash")
        await sees(pilot, "[Files]", "of 100 000", "file_000000.py")
        await pilot.press(*"0040 set:test", "enter")
        await sees(pilot, "of 14 ", "/ 0040 set:test", "file_000040.py")
        await pilot.press("enter")
        await sees(pilot, "total = 1", "billing-api · Python")
        await pilot.press("escape", "escape")
        await sees(pilot, "of 100 000")
        await pilot.press("G")
        await sees(pilot, "file_099999.py")
        await pilot.press("space")
        await sees(pilot, "●billing-3")


async def test_a_run_is_renamed_and_back(busy: StubEngine) -> None:
    def rename(_: Any, body: dict[str, Any]) -> Any:
        if "/" in body["name"]:
            return refused("'a/b' cannot be a run's name: 1 to 30 letters can.")
        return msgspec.structs.replace(samples.DONE, run=body["name"])

    busy.answers[f"POST {DONE}/rename"] = rename
    busy.answers["POST /train/runs/ab/rename"] = rename
    app = RefactApp(busy.paths)
    async with app.run_test(size=(80, 24), notifications=True) as pilot:
        await pilot.press("3")
        await sees(pilot, "billing-2")
        await pilot.press("j", "e")
        await sees(pilot, "Rename billing-2")
        await pilot.press(*"a/b", "enter")
        await sees(pilot, "✗ 'a/b' cannot be a run's name")
        await pilot.press("backspace", "backspace", "b", "enter")
        await until(pilot, lambda: app.screen is room(app), "the room")
        await pilot.press("u")
        await until(pilot, lambda: bool(busy.asked_for("POST /train/runs/ab/rename")), "the undoing")
        assert busy.asked_for("POST /train/runs/ab/rename") == [{"name": "billing-2"}]
        await sees(pilot, "Undone: billing-2 is called ab")


async def test_a_run_is_deleted_by_its_name_and_comes_back(busy: StubEngine) -> None:
    busy.answers |= {f"DELETE {DONE}": {}, "POST /trash/billing-2/restore": {}}
    app = RefactApp(busy.paths)
    async with app.run_test(size=(80, 24), notifications=True) as pilot:
        await pilot.press("3")
        await sees(pilot, "billing-2")
        await pilot.press("d")
        await sees(pilot, "billing-3 is running; x stops it first.")
        await pilot.press("j", "d")
        await sees(pilot, "Move billing-2 and 1 checkpoint of it to the trash?", "Its best, billing-2:80")
        await pilot.press("enter", *"billing-", "enter")
        await pilot.pause(0.1)
        assert busy.asked_for(f"DELETE {DONE}") == []
        await pilot.press("2", "enter")
        await until(pilot, lambda: bool(busy.asked_for(f"DELETE {DONE}")), "the deletion")
        assert busy.asked_for("POST /use") == [], "what is not served stays as it is"
        await sees(pilot, "u brings it back")
        await pilot.press("u")
        await until(pilot, lambda: bool(busy.asked_for("POST /trash/billing-2/restore")), "the return")
        await pilot.press("u")
        await sees(pilot, "Nothing has been changed here")


async def test_settings_say_what_they_mean_and_which_are_ones_own(busy: StubEngine) -> None:
    app = RefactApp(busy.paths)
    async with app.run_test(size=(160, 45)) as pilot:
        await pilot.press("3", "j", "right_square_bracket", "right_square_bracket")
        await sees(pilot, "  lora_r         8      Rank of the adapters", "95 % interval")
        await pilot.press("k")
        await sees(pilot, "● lora_r         16", "● chosen by hand")
        assert "95 % interval" not in screen_text(app)
        assert len(busy.asked_for("GET /train/settings")) == 1


async def test_the_log_is_followed_from_its_first_line_on(engine: StubEngine, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(train, "FOLLOW_S", 0.05)
    engine.state, engine.answers = msgspec.structs.replace(samples.STATE, runs=[]), samples.answers()
    lines = [wire.LogLine(at="2026-11-24T09:05:00.000Z", level="info", text=f"line {number}") for number in range(40)]
    engine.answers[f"GET {RUN}/log"] = lambda *_: list(lines)
    app = RefactApp(engine.paths)
    async with app.run_test(size=(80, 24)) as pilot:
        await pilot.press("3")
        await sees(pilot, "▌3 Train", "No runs yet.")
        for step in (41, 42):
            engine.publish("run", msgspec.structs.replace(samples.RUN, step=step))
            await sees(pilot, lines[-1].text)
            lines.append(msgspec.structs.replace(lines[0], text=f"after step {step}"))
        app.screen.query_one("#train-log", Reading).focus()
        await pilot.press("g")
        await sees(pilot, "line 0")
        lines.append(msgspec.structs.replace(lines[0], text="the newest"))
        engine.publish("run", msgspec.structs.replace(samples.RUN, step=44))
        await until(pilot, lambda: "44/100" in screen_text(app), "the step")
        await pilot.pause(0.3)
        assert "line 0" in screen_text(app) and "the newest" not in screen_text(app)
        await pilot.press("G")
        await sees(pilot, "the newest")
