"""Before a first run has told how fast it goes, the plan guesses, is measured, and then knows; a run need not wait."""

import asyncio
from collections.abc import AsyncIterator
from typing import Any

import pytest

from backend import settings, wire
from backend.context import Context
from backend.train import run, warmup
from backend.train.plan import rate_setting
from tests.scan.conftest import context
from tests.train.test_train_plan import files

__all__ = ["context"]
SMALL: dict[str, Any] = {"context": 128, "batch_size": 2, "micro_batch_size": 2}


@pytest.fixture
async def box(context: Context, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Context]:
    """An engine's parts with accepted files, and the real starter."""

    async def accepted(ctx: Context) -> list[Any]:
        return files(60, 12)

    monkeypatch.setattr("backend.train.plan.results.accepted", accepted)
    yield context
    await context.jobs.close()


async def planned(box: Context, **request: Any) -> wire.Plan:
    return await warmup.planned(box, wire.StartRun(settings=SMALL, **request))


def measurements(box: Context) -> list[wire.Job]:
    return [job for job in box.jobs.list() if job.kind == "warmup"]


async def test_the_speed_is_measured_once_and_then_known(box: Context) -> None:
    assert (await planned(box)).speed == "measuring"
    assert (await planned(box)).speed == "measuring"
    (job,) = measurements(box)
    ended = await box.jobs.wait(job.id)
    assert ended.state == "done", ended.message
    measured = await settings.get(box.db, rate_setting("starter"))
    assert measured > 0
    known = await planned(box, steps=5)
    assert known.speed == "measured" and len(measurements(box)) == 1
    slower = measured / 1000
    await settings.set(box.db, rate_setting("starter"), slower)
    assert (await planned(box, steps=5)).duration_s > known.duration_s


async def test_what_cannot_be_measured_is_said_and_stays_a_guess(box: Context, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(warmup, "PATIENCE_S", 0.01)
    assert (await planned(box)).speed == "measuring"
    ended = await box.jobs.wait(measurements(box)[0].id)
    assert ended.state == "failed" and "could not be measured: nothing was heard" in (ended.message or "")
    assert (await planned(box)).speed == "guessed"
    assert len(measurements(box)) == 1


async def test_a_run_that_does_not_fit_is_not_measured(box: Context, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("backend.train.plan.devices.memory_available", lambda: 1_000_000)
    assert (await planned(box)).speed == "guessed"
    assert measurements(box) == []


async def test_a_run_that_starts_ends_the_measurement(box: Context, monkeypatch: pytest.MonkeyPatch) -> None:
    submitted = asyncio.Event()

    async def submit(ctx: Context, name: str) -> wire.Run:
        submitted.set()
        assert [job.state for job in measurements(ctx)] == ["stopped"]
        return await run.get(ctx, name)

    monkeypatch.setattr(run, "_submit", submit)
    await planned(box)
    await run.start(box, wire.StartRun(settings=SMALL))
    assert submitted.is_set()
