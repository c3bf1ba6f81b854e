"""Train, Checkpoints and Serve by keyboard: plan and start, a plot that moves, switches and completions."""

from typing import Any

import msgspec
import pytest

from backend import wire
from refact_tui.frame import RefactApp
from tests.tui.pilots import screen_text, sees, until
from tests.tui.samples import BUSY
from tests.tui.stub_engine import StubEngine

RUN = wire.Run(
    run="billing-3",
    model="starter",
    state="running",
    step=40,
    steps=100,
    test_loss=wire.TestLoss(base=1.2, best=1.0, last=1.0),
    best_checkpoint="billing-3:40",
    evaluation=None,
    reason=None,
    phase="training",
    train_loss=0.9,
    created="2026-11-24T09:00:00.000Z",
    settings={"lora_r": 16, "batch_size": 8},
)
DONE = msgspec.structs.replace(RUN, run="billing-2", state="done", step=100)
POINTS = [
    wire.Checkpoint(
        id=f"billing-3:{step}",
        model="starter",
        test_loss=1.2 - step / 200,
        best=step == 40,
        served=step == 40,
        size=2_400_000,
        made="2026-11-24T09:10:00.000Z",
        path=f"/runs/billing-3/{step}",
        run="billing-3",
        step=step,
        base_loss=1.2,
    )
    for step in (40, 20)
]
SERVING = wire.Serving(model="starter", mode="latest-best", checkpoint="billing-3:40", state="ready", context=2048)
STATE = msgspec.structs.replace(BUSY, runs=[RUN, DONE], checkpoints=POINTS, serving=[SERVING])
PLAN = wire.Plan(
    model="starter",
    steps=120,
    batch_size=8,
    tokens_per_epoch=240_000,
    memory_bytes=1_500_000_000,
    memory_available_bytes=20_000_000_000,
    duration_s=130.0,
    settings={"lora_r": 16, "batch_size": 8},
    sentence="fits: 1.5 of 20 GB; about 2 min",
)
RUNS = "/train/runs/billing-3"


def metric(step: int) -> wire.Metric:
    return wire.Metric(
        step=step, train_loss=1.3 - step / 100, test_loss=1.2 - step / 200, learning_rate=1e-3, tokens_per_s=5000
    )


def answers() -> dict[str, Any]:
    log = [wire.LogLine(at="2026-11-24T09:05:00.000Z", level="info", text="trainer started")]
    return {
        f"GET {RUNS}/metrics": [metric(step) for step in range(0, 41, 10)],
        f"GET {RUNS}/log": log,
        "GET /train/runs/billing-2/metrics": [],
        "GET /train/runs/billing-2/log": [],
        "POST /train/plan": PLAN,
        "POST /train/runs": msgspec.structs.replace(RUN, run="mine", state="queued", step=0),
        f"POST {RUNS}/stop": msgspec.structs.replace(RUN, state="stopped"),
        "POST /use": wire.Used(model="starter", mode="off", checkpoint=None, switched_ms=3.0),
        "POST /complete": wire.Completion(
            text="return 41", model="starter", checkpoint=None, tokens=4, first_token_ms=20.0, total_ms=60.0
        ),
    }


@pytest.fixture
def busy(engine: StubEngine) -> StubEngine:
    engine.state, engine.answers = STATE, answers()
    return engine


async def test_a_run_is_planned_started_and_watched(busy: StubEngine) -> None:
    app = RefactApp(busy.paths)
    async with app.run_test(size=(80, 24)) as pilot:
        await pilot.press("3")
        await sees(pilot, "billing-3", "40/100", "trainer started", "▪")
        before = screen_text(app)
        busy.answers[f"GET {RUNS}/metrics"] = [metric(step) for step in range(0, 91, 10)]
        busy.publish("run", msgspec.structs.replace(RUN, step=90))
        await sees(pilot, "90/100")
        await until(pilot, lambda: screen_text(app).splitlines()[7:11] != before.splitlines()[7:11], "a new curve")
        await pilot.press("n")
        await sees(pilot, "Plan a run", "120 × batch 8", "fits: 1.5 of 20 GB; about 2 min")
        await pilot.press("enter")
        await until(pilot, lambda: bool(busy.asked_for("POST /train/runs")), "the start")
        assert busy.asked_for("POST /train/runs")[0]["steps"] is None


async def test_stopping_asks_first(busy: StubEngine) -> None:
    app = RefactApp(busy.paths)
    async with app.run_test(size=(80, 24)) as pilot:
        await pilot.press("3")
        await sees(pilot, "billing-3")
        await pilot.press("x")
        await sees(pilot, "Stop billing-3 at step 40 of 100?")
        await pilot.press("escape")
        assert busy.asked_for(f"POST {RUNS}/stop") == []
        await pilot.press("x")
        await sees(pilot, "It saves first")
        await pilot.press("tab", "enter")
        await until(pilot, lambda: bool(busy.asked_for(f"POST {RUNS}/stop")), "the stop")


async def test_a_run_that_is_done_cannot_be_resumed_and_says_so(busy: StubEngine) -> None:
    app = RefactApp(busy.paths)
    async with app.run_test(size=(80, 24), notifications=True) as pilot:
        await pilot.press("3")
        await sees(pilot, "billing-2")
        await pilot.press("j", "R")
        await sees(pilot, "there is nothing to resume")


async def test_checkpoints_are_switched_by_key(busy: StubEngine) -> None:
    app = RefactApp(busy.paths)
    async with app.run_test(size=(80, 24)) as pilot:
        await pilot.press("4")
        await sees(pilot, "(•) latest best", "billing-3:40", "★▲", "billing-3:20")
        await pilot.press("o")
        await until(pilot, lambda: len(busy.asked_for("POST /use")) == 1, "off")
        busy.publish("serving", msgspec.structs.replace(SERVING, mode="off", checkpoint=None))
        await sees(pilot, "(•) off")
        await pilot.press("o")
        await until(pilot, lambda: len(busy.asked_for("POST /use")) == 2, "back on")
        await pilot.press("j", "enter")
        await until(pilot, lambda: len(busy.asked_for("POST /use")) == 3, "a specific one")
    modes = [(asked["mode"], asked["checkpoint"]) for asked in busy.asked_for("POST /use")]
    assert modes == [("off", None), ("latest-best", None), ("specific", "billing-3:20")]


async def test_the_serve_room_completes_and_tells_how_to_connect(busy: StubEngine) -> None:
    app = RefactApp(busy.paths)
    async with app.run_test(size=(80, 24)) as pilot:
        await pilot.press("5")
        await sees(pilot, "billing-3:40", "Try it", "def total(invoice)")
        await pilot.press("enter", "ctrl+@")
        await sees(pilot, "return 41", "tab accepts")
        await pilot.press("tab")
        await pilot.press("escape", "right_square_bracket")
        await sees(pilot, "[Connect an IDE]", "Refact · VS Code", "refactai.addressURL")
