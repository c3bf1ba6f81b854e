"""The plan of a run by keyboard: refused in place, made to fit, from another model or checkpoint, and measured."""

from typing import Any

import msgspec
import pytest
from textual.widgets import Input

from backend import wire
from refact_tui.dialogs import plan as plan_dialog
from refact_tui.frame import RefactApp
from tests.tui import tuning_samples as samples
from tests.tui.pilots import room, screen_text, sees, until
from tests.tui.stub_engine import StubEngine
from tests.tui.test_train_room import busy, refused

__all__ = ["busy"]


async def test_a_wrong_value_is_refused_below_its_field(busy: StubEngine) -> None:
    def plan(_: Any, body: dict[str, Any]) -> Any:
        rank = body["settings"].get("lora_r", 16)
        if not 4 <= rank <= 128:
            return refused(f"lora_r is {rank}; it must be a whole number from 4 to 128.", "Rank of the adapters.")
        steps = body["steps"] or 120
        return msgspec.structs.replace(samples.PLAN, steps=steps, overridden=["lora_r"])

    busy.answers["POST /train/plan"] = plan
    app = RefactApp(busy.paths)
    async with app.run_test(size=(80, 24)) as pilot:
        await pilot.press("3", "n")
        await sees(pilot, "fits: 1.5 of 20 GB")
        await pilot.press("ctrl+t")
        await sees(pilot, "16 · 4 … 128", "Rank of the adapters: how much they can learn.")
        await pilot.press("tab", "tab", "tab", "tab", "2", "tab")
        await sees(pilot, "✗ lora_r is 2; it must be a whole number from 4 to 128.")
        assert "how much they can learn" not in screen_text(app)
        await pilot.press("ctrl+s")
        await pilot.pause(0.1)
        assert busy.asked_for("POST /train/runs") == []
        await pilot.press("shift+tab", "8", "tab")
        await sees(pilot, "● lora_r", "how much they can learn")
        await pilot.press(*["shift+tab"] * 7, "3", "0", "tab")
        await sees(pilot, "30 × batch 8")
        await pilot.press("ctrl+s")
        await until(pilot, lambda: bool(busy.asked_for("POST /train/runs")), "the start")
    asked = busy.asked_for("POST /train/runs")[0]
    assert (asked["steps"], asked["settings"]) == (30, {"lora_r": 8})


async def test_a_run_that_does_not_fit_takes_what_is_offered(busy: StubEngine) -> None:
    def plan(_: Any, body: dict[str, Any]) -> Any:
        if body["settings"].get("batch_size") == 2:
            return msgspec.structs.replace(samples.PLAN, settings={**samples.PLAN.settings, "batch_size": 2})
        sentence = "does not fit: needs 30 GB, 20 GB are free; it fits with batch_size=2"
        return msgspec.structs.replace(samples.PLAN, sentence=sentence, offer={"batch_size": 2})

    busy.answers["POST /train/plan"] = plan
    app = RefactApp(busy.paths)
    async with app.run_test(size=(80, 24)) as pilot:
        await pilot.press("3", "n")
        await sees(pilot, "does not fit: needs 30 GB", "Make it fit")
        await pilot.press("ctrl+o")
        await sees(pilot, "fits: 1.5 of 20 GB")
        assert "Make it fit" not in screen_text(app)
        await pilot.press("enter")
        await until(pilot, lambda: bool(busy.asked_for("POST /train/runs")), "the start")
    assert busy.asked_for("POST /train/runs")[0]["settings"] == {"batch_size": 2}


async def test_a_start_that_is_refused_loses_nothing(busy: StubEngine) -> None:
    busy.answers["POST /train/runs"] = refused("There is a run called 'mine' already.", "Choose another name.")
    app = RefactApp(busy.paths)
    async with app.run_test(size=(80, 24)) as pilot:
        await pilot.press("3", "n")
        await sees(pilot, "fits: 1.5 of 20 GB")
        await pilot.press(*["shift+tab"] * 4, *"mine", "ctrl+s")
        await sees(pilot, "✗ There is a run called 'mine' already. Choose another name.")
        assert app.screen.query(Input).first(Input).value == "mine"
        busy.answers["POST /train/runs"] = msgspec.structs.replace(samples.RUN, run="mine2")
        await pilot.press("2", "ctrl+s")
        await until(pilot, lambda: len(busy.asked_for("POST /train/runs")) == 2, "the second try")
        await until(pilot, lambda: app.screen is room(app), "the room")
        newest = msgspec.structs.replace(samples.RUN, run="mine2", created="2026-11-25T00:00:00.000Z")
        busy.publish("run", newest)
        await sees(pilot, "▌mine2")


async def test_a_run_goes_on_from_a_checkpoint_of_another_model_on_what_is_new(busy: StubEngine) -> None:
    starter = wire.Model(
        name="starter",
        family="starter",
        parameters=8_000_000,
        context=2048,
        loss_threshold=4.0,
        hosted=True,
        supports=["completion", "finetune"],
    )
    qwen = msgspec.structs.replace(starter, name="qwen")
    only_served = msgspec.structs.replace(starter, name="served", supports=["completion"])
    busy.state = msgspec.structs.replace(samples.STATE, models=[starter, qwen, only_served])

    def plan(_: Any, body: dict[str, Any]) -> Any:
        if body["continue_from"] == "gone:1":
            return refused("There is no checkpoint gone:1.", "See `refact-tui checkpoints list`.")
        return samples.PLAN

    busy.answers["POST /train/plan"] = plan
    app = RefactApp(busy.paths)
    async with app.run_test(size=(80, 24)) as pilot:
        await pilot.press("3", "n")
        await sees(pilot, "fits: 1.5 of 20 GB", "starter or qwen")
        assert "served" not in str(app.screen.query_one("#plan-fields").tree)
        await pilot.press("ctrl+t")
        await sees(pilot, "a checkpoint RUN:STEP", "Its adapters are trained further.")
        await pilot.press(*"gone:1", "tab")
        await sees(pilot, "✗ There is no checkpoint gone:1.")
        await pilot.press("shift+tab", *"billing-2:80", "tab", *"some", "tab")
        await sees(pilot, "✗ read must be all or new, not 'some'.")
        await pilot.press("shift+tab", *"new", "tab", *"better", *["shift+tab"] * 5, *"qwen", "ctrl+s")
        await until(pilot, lambda: bool(busy.asked_for("POST /train/runs")), "the start")
    asked = busy.asked_for("POST /train/runs")[0]
    told = [asked[name] for name in ("model", "continue_from", "new_only", "only_if_better")]
    assert told == ["qwen", "billing-2:80", True, True]


async def test_a_time_that_was_guessed_is_told_anew_when_it_has_been_measured(
    busy: StubEngine, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(plan_dialog, "MEASURED_S", 0.05)
    guessed = msgspec.structs.replace(samples.PLAN, speed="measuring")
    busy.answers["POST /train/plan"] = guessed
    app = RefactApp(busy.paths)
    async with app.run_test(size=(80, 24)) as pilot:
        await pilot.press("3", "n")
        await sees(pilot, "about 2 min (measuring…)")
        known = msgspec.structs.replace(guessed, speed="measured", sentence="fits: 1.5 of 20 GB; about 7 min")
        busy.answers["POST /train/plan"] = known
        await sees(pilot, "about 7 min ")
        assert "measuring" not in screen_text(app)
