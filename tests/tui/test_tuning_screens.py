"""The Train and Checkpoints rooms with their tabs and dialogs, at both sizes, against golden screens."""

import socket
from datetime import UTC, datetime, tzinfo
from pathlib import Path
from typing import Any

import msgspec
import pytest

from backend import wire
from backend.paths import Paths
from refact_tui import words
from refact_tui.frame import RefactApp
from refact_tui.widgets import loss_plot
from tests.tui import tuning_samples as samples
from tests.tui.golden import matches
from tests.tui.pilots import sees, settled
from tests.tui.samples import BUSY
from tests.tui.stub_engine import StubEngine

SIZES = [(80, 24), (120, 36)]
NOW = datetime(2026, 11, 24, 9, 22, tzinfo=UTC)
both_sizes = pytest.mark.parametrize("size", SIZES, ids=lambda size: f"{size[0]}x{size[1]}")


class Clock(datetime):
    """It is always the same time."""

    @classmethod
    def now(cls, tz: tzinfo | None = None) -> "Clock":
        return cls.fromtimestamp(NOW.timestamp(), tz or UTC)


@pytest.fixture(autouse=True)
def same_box(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(socket, "gethostname", lambda: "gpu-box")
    monkeypatch.setattr(words, "datetime", Clock)
    monkeypatch.setattr(loss_plot, "EVERY_S", 0.0)


def state(*runs: wire.Run) -> wire.State:
    """Only these runs."""
    return msgspec.structs.replace(samples.STATE, runs=list(runs))


TRAIN: dict[str, tuple[wire.State, list[str], list[str]]] = {
    "none": (msgspec.structs.replace(BUSY, jobs=[]), ["3"], ["No runs yet. Press n"]),
    "comparing": (samples.STATE, ["3", "c"], ["▪ billing-3 ⟷ ▫ billing-2", "billing-2 1.050"]),
    "settings": (samples.STATE, ["3", "]", "]"], ["● lora_r", "Rank of the adapters"]),
    "files": (samples.STATE, ["3", "]", "]", "]"], ["file_000000.py", "of 100 000"]),
    "held-out": (state(samples.DONE), ["3", "[", "tab"], ["95 % interval", "▪"]),
    "plan": (samples.STATE, ["3", "n"], ["Plan a run", "fits: 1.5 of 20 GB"]),
    "advanced": (samples.STATE, ["3", "n", "@fits", "ctrl+t"], ["16 · 4 … 128"]),
    "rename": (samples.STATE, ["3", "e"], ["Rename billing-3"]),
}
POINTS: dict[str, tuple[wire.State, list[str], list[str]]] = {
    "several": (samples.STATE, ["4", "j", "j"], ["billing-2:80", "95 % interval"]),
    "marked": (samples.STATE, ["4", "space", "j", "j", "space"], ["●billing-3:40", "●billing-2:80"]),
    "compare": (samples.STATE, ["4", "c"], ["1 of 2", "✓ exact", "✗ 0.54 alike", "1 place seen"]),
    "compare-lines": (samples.STATE, ["4", "c", "@1 place seen", "n"], ["2 of 2", "2 places seen"]),
    "own-text": (samples.STATE, ["4", "c", "@1 place seen", "]"], ["load_settings", "return 41"]),
    "export": (samples.STATE, ["4", "E"], ["Export billing-3:40"]),
    "delete": (msgspec.structs.replace(samples.STATE, runs=[samples.DONE]), ["4", "d"], ["type billing-3:40"]),
}
KEYS: dict[str, str] = {"]": "right_square_bracket", "[": "left_square_bracket"}


async def shown(engine: StubEngine, case: tuple[wire.State, list[str], list[str]], name: str, size: Any) -> None:
    """Press the keys, waiting at each `@text`, until the words are there; then compare."""
    engine.state, keys, texts = case
    engine.answers = samples.answers()
    app = RefactApp(engine.paths)
    app.paths = Paths(Path("/home/ann/.local/share/refact-tui"))
    async with app.run_test(size=size) as pilot:
        await sees(pilot, "● engine")
        for key in keys:
            if key.startswith("@"):
                await sees(pilot, key[1:])
            else:
                await pilot.press(KEYS.get(key, key))
        await sees(pilot, *texts)
        await settled(pilot)
        matches(app, f"{name}-{size[0]}x{size[1]}")


@both_sizes
@pytest.mark.parametrize("name", TRAIN)
async def test_train(engine: StubEngine, name: str, size: tuple[int, int]) -> None:
    await shown(engine, TRAIN[name], f"train-{name}", size)


@both_sizes
@pytest.mark.parametrize("name", POINTS)
async def test_checkpoints(engine: StubEngine, name: str, size: tuple[int, int]) -> None:
    await shown(engine, POINTS[name], f"checkpoints-{name}", size)
