"""The plan: too little data is refused in words, everything else is worked out and can be overridden."""

from types import SimpleNamespace
from typing import Any

import pytest

from backend import wire
from backend.errors import BadRequest
from backend.models.catalog import ModelInfo
from backend.scan.results import AcceptedFile
from backend.train import plan


def files(train: int, test: int, size: int = 20_000) -> list[AcceptedFile]:
    return [
        AcceptedFile(
            sha256=f"{number:064x}",
            path=f"src/file{number}.py",
            source="acme",
            language="Python",
            set="train" if number < train else "test",
            loss=2.0,
            size=size,
        )
        for number in range(train + test)
    ]


@pytest.fixture
def box(monkeypatch: pytest.MonkeyPatch, small_model: ModelInfo) -> Any:
    """A context whose accepted files, measured speed and scan are set by the test."""
    one = SimpleNamespace(files=files(60, 12), rate=None, scan=None, db=None, hosts=None)

    async def accepted(ctx: Any) -> list[AcceptedFile]:
        return list(one.files)

    async def measured(db: Any, name: str) -> Any:
        return one.rate

    async def current(ctx: Any) -> Any:
        return one.scan

    monkeypatch.setattr("backend.train.plan.results.accepted", accepted)
    monkeypatch.setattr("backend.train.plan.settings.get", measured)
    monkeypatch.setattr("backend.train.plan.scan_run.current", current)
    monkeypatch.setattr("backend.train.plan.catalog.get", lambda ctx, name: small_model)
    monkeypatch.setattr("backend.train.plan.devices.gpus", lambda: [])
    monkeypatch.setattr("backend.train.plan.devices.memory_available", lambda: 16_000_000_000)
    return one


async def planned(box: Any, request: wire.StartRun) -> wire.Plan:
    return (await plan.prepare(box, request)).plan


async def refusal(box: Any, **request: Any) -> str:
    with pytest.raises(BadRequest) as refused:
        await planned(box, wire.StartRun(**request))
    return refused.value.message


async def test_too_little_is_refused_with_what_is_missing(box: Any) -> None:
    box.files = []
    assert "Nothing has been scanned" in await refusal(box)
    box.scan = SimpleNamespace(files=12, detail="0 of 12 files accepted: 7 not_text, 5 too_large; nothing to train on")
    assert await refusal(box) == box.scan.detail
    box.files = files(4, 3) + files(0, 5, size=0)
    assert await refusal(box) == "Only 7 accepted files have text in them; at least 8 are needed to learn from."
    box.files = files(20, 2, size=5_000)
    assert "about 2778 tokens; at least 8000" in await refusal(box)
    box.files = files(0, 20)
    assert "none is left to train on" in await refusal(box)


async def test_bad_values_are_refused_before_anything_starts(box: Any) -> None:
    assert "from 4 to 128" in await refusal(box, settings={"lora_r": 1})
    assert "at least one step" in await refusal(box, steps=0)
    assert "minutes" in await refusal(box, minutes=-1)
    assert "reads at most" in await refusal(box, settings={"context": 8192})


async def test_steps_and_batch_are_exactly_what_was_asked_for(box: Any) -> None:
    made = await planned(box, wire.StartRun(steps=60, settings={"batch_size": 12, "seed": 7}))
    assert (made.steps, made.batch_size, made.settings["seed"]) == (60, 12, 7)
    assert made.overridden == ["batch_size", "seed", "train_steps"]
    assert made.settings["learning_rate"] == 4e-3


async def test_steps_grow_with_the_data_and_shrink_with_the_time(box: Any) -> None:
    small = await planned(box, wire.StartRun())
    assert 2.9 <= small.epochs <= 3.2
    box.files = files(600, 12)
    large = await planned(box, wire.StartRun())
    assert large.steps * large.batch_size > 4 * small.steps * small.batch_size
    minute = await planned(box, wire.StartRun(minutes=1))
    two = await planned(box, wire.StartRun(minutes=2))
    assert minute.steps < two.steps < large.steps * large.batch_size
    box.rate = 9_000
    assert (await planned(box, wire.StartRun(minutes=2))).steps > two.steps
    assert small.train_files == 60 and small.test_files == 12 and small.test_tokens > 60_000
    assert small.tokens_per_epoch == sum(plan.tokens_of(file) for file in files(60, 12) if file.set == "train")


async def test_the_plan_says_what_finds_syntactic_nodes(box: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("backend.train.plan.syntax.installed", lambda: True)
    assert (await planned(box, wire.StartRun())).settings["fim_nodes"] == "tree-sitter"
    asked = await planned(box, wire.StartRun(settings={"fim_nodes": "indentation"}))
    assert asked.settings["fim_nodes"] == "indentation" and asked.overridden == ["fim_nodes"]
    monkeypatch.setattr("backend.train.plan.syntax.installed", lambda: False)
    assert (await planned(box, wire.StartRun())).settings["fim_nodes"] == "indentation"
    assert "not installed" in await refusal(box, settings={"fim_nodes": "tree-sitter"})


async def test_the_sentence_says_whether_it_fits(box: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    assert (await planned(box, wire.StartRun())).sentence.startswith("fits: ")
    monkeypatch.setattr("backend.train.plan.devices.memory_available", lambda: 300_000_000)
    assert "does not fit" in (await planned(box, wire.StartRun())).sentence
