"""Models hosted, placed, retried and given up from the Serve room; the memory of each device in bars."""

from typing import Any

import msgspec
import pytest
from starlette.requests import Request

from backend import wire
from backend.context import Context
from refact_tui.frame import RefactApp
from refact_tui.words_of_placement import BAR, FREE, USED, WANTED, device_lines
from tests.tui.golden import matches
from tests.tui.pilots import press, sees, until
from tests.tui.samples import BUSY
from tests.tui.stub_engine import StubEngine
from tests.tui.test_serve_room import HOST, OTHER, SIZES

GB = 10**9
QWEN = wire.Model(
    name="codellama-7b",
    family="codellama",
    parameters=7_000_000_000,
    context=16384,
    loss_threshold=2.0,
    hosted=False,
    supports=["completion", "finetune"],
)
GPUS = [
    wire.Device(name="cpu", title="main memory", memory_bytes=128 * GB, free_bytes=110 * GB, models=["starter"]),
    wire.Device(name="0", title="NVIDIA L4", memory_bytes=24 * GB, free_bytes=20 * GB, models=["qwen2.5-coder-1.5b"]),
    wire.Device(
        name="1", title="NVIDIA L4", memory_bytes=24 * GB, free_bytes=2 * GB, models=["x\x1b[2Jy"], shared=False
    ),
]
FAILED = msgspec.structs.replace(OTHER, model="broken", state="failed", detail="no weights", device="GPU0")
STATE = msgspec.structs.replace(
    BUSY, serving=[HOST, msgspec.structs.replace(OTHER, device="GPU0"), FAILED], models=[QWEN]
)


def planned(request: Request, body: Any) -> Any:
    """As an engine on a box with two GPUs, one of which is taken."""
    wish = body["placement"]
    if "1" in wish["device"]:
        return wire.ErrorAnswer(
            error=wire.ErrorBody(
                code="bad_request",
                message="GPU 1 is taken by a model that does not share it.",
                hint="Pick another, or unhost that.",
            )
        )
    context = wish["context"] or 16384
    return wire.PlacementPlan(
        model=body["model"],
        device="GPU0",
        dtype="bf16",
        quantisation="none",
        context=context,
        weights_bytes=14 * GB,
        request_bytes=context * 131_072,
        shares={"0": 14 * GB + context * 131_072},
        devices=GPUS,
    )


def hosted(request: Request, body: Any) -> wire.Serving:
    return msgspec.structs.replace(HOST, model=body["model"], state="loading")


@pytest.mark.parametrize("size", SIZES, ids=lambda size: f"{size[0]}x{size[1]}")
async def test_a_model_is_placed(engine: StubEngine, size: tuple[int, int]) -> None:
    engine.state, engine.answers = STATE, {"POST /hosts/plan": planned, "POST /hosts": hosted}
    app = RefactApp(engine.paths)
    async with app.run_test(size=size, notifications=True) as pilot:
        await sees(pilot, "● engine")
        await press(pilot, "5", "n")
        await sees(pilot, "Host a model", "GPU0", "weights 13 GB")
        await pilot.pause()
        matches(app, f"serve-placement-{size[0]}x{size[1]}")
        await press(pilot, *["shift+tab"] * 6, *"1", "enter")
        await sees(pilot, "GPU 1 is taken")
        await press(pilot, "backspace", "0", "tab", "tab", "tab", *"abc", "enter")
        await sees(pilot, "context must be a number")
        await press(pilot, *["backspace"] * 3, *"8192", "tab", "tab", *"no", "enter")
        await until(pilot, lambda: bool(engine.asked_for("POST /hosts")))
        await until(pilot, lambda: type(app.screen).__name__ == "ServeRoom", "the way back to the room")
    (asked,) = engine.asked_for("POST /hosts")
    assert asked["model"] == "codellama-7b"
    assert asked["placement"] == {
        "device": "0",
        "dtype": "auto",
        "quantisation": "none",
        "context": 8192,
        "memory_gb": None,
        "share": False,
    }


async def test_hosts_are_placed_anew_retried_and_given_up(engine: StubEngine) -> None:
    engine.state = STATE
    engine.answers = {
        "POST /hosts/plan": planned,
        "POST /hosts": hosted,
        "POST /hosts/broken/retry": FAILED,
        "DELETE /hosts/broken": {},
    }
    app = RefactApp(engine.paths)
    async with app.run_test(size=(120, 36), notifications=True) as pilot:
        await sees(pilot, "● engine")
        await press(pilot, "5", "d")
        await sees(pilot, "The starter is always hosted")
        await press(pilot, "R")
        await sees(pilot, "starter is ready: there is nothing to retry")
        await press(pilot, "j", "j", "R")
        await until(pilot, lambda: len(engine.asked_for("POST /hosts/broken/retry")) == 1)
        await press(pilot, "e")
        await sees(pilot, "Place broken", "weights 13 GB")
        await press(pilot, "enter")
        await until(pilot, lambda: len(engine.asked_for("POST /hosts")) == 1)
        await press(pilot, "d")
        await sees(pilot, "Host broken no longer?")
        await press(pilot, *"broken", "enter")
        await until(pilot, lambda: len(engine.asked_for("DELETE /hosts/broken")) == 1)
        await press(pilot, "u")
        await sees(pilot, "Undone: broken is hosted no longer")
        assert engine.asked_for("POST /hosts")[1]["placement"] == msgspec.to_builtins(STATE.serving[2].placement)
        await press(pilot, "u")
        await sees(pilot, "Undone: broken is placed anew")
        assert len(engine.asked_for("POST /hosts")) == 3


def test_bars_show_what_is_used_and_what_would_be() -> None:
    lines = device_lines(GPUS, {"0": 14 * GB, "1": 5 * GB})
    bars = [line[6 : 6 + BAR] for line in lines[::2]]
    assert [len(bar) for bar in bars] == [BAR] * 3
    assert bars[0] == USED * 4 + FREE * 26
    assert bars[1] == USED * 5 + WANTED * 18 + FREE * 7
    assert bars[2].count(WANTED) == 2 and not bars[2].count(FREE)
    assert "\x1b" not in "".join(lines) and "not shared" in lines[5]


async def test_the_starter_is_placed_anew(real: Context) -> None:
    """Against the real engine, whose word the dialog shows."""
    app = RefactApp(real.paths)
    async with app.run_test(size=(80, 24), notifications=True) as pilot:
        await sees(pilot, "● engine")
        await press(pilot, "5", "n")
        await sees(pilot, "There is no model to host")
        await press(pilot, "e")
        await sees(pilot, "Place starter", "cpu · fp32 · context")
        await press(pilot, *["shift+tab"] * 3, *"90000", "enter")
        await sees(pilot, "A context of 90000 tokens cannot be")
        await press(pilot, *["backspace"] * 5, *"1024", "enter")
        await until(pilot, lambda: real.hosts.host(None).wish.context == 1024)
