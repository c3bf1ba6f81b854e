"""What fits is offered, the mildest change first; how often the data are read follows from what is known of them."""

from dataclasses import replace
from typing import Any

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from backend import wire
from backend.errors import BadRequest
from backend.models.catalog import ModelInfo
from backend.train import fit, plan, run
from backend.train.settings import merged
from tests.train.conftest import SMALL
from tests.train.test_train_plan import box, files, planned

__all__ = ["box"]
CHOSEN = merged({"micro_batch_size": 8, "batch_size": 32, "context": 2048, "lora_r": 16})


@given(st.integers(10**8, 10**10), st.sampled_from([1, 4, 8, 64]), st.booleans())
def test_what_is_offered_fits_and_changes_only_what_it_must(available: int, micro: int, recompute: bool) -> None:
    chosen = {**CHOSEN, "micro_batch_size": micro, "low_gpu_memory_mode": recompute}
    assume(fit.memory(SMALL, chosen) > available)
    offer = fit.what_fits(SMALL, chosen, available)
    least = {**chosen, "micro_batch_size": 1, "low_gpu_memory_mode": True, "context": fit.SMALLEST_CONTEXT}
    if offer is None:
        assert fit.memory(SMALL, least) > available
    else:
        assert fit.memory(SMALL, {**chosen, **offer}) <= available
        assert "context" not in offer or fit.memory(SMALL, {**least, "context": 2 * offer["context"]}) > available
        assert all(chosen[name] != value for name, value in offer.items())


def test_a_smaller_micro_batch_comes_first() -> None:
    needed = fit.memory(SMALL, CHOSEN)
    assert fit.what_fits(SMALL, CHOSEN, needed - 1) == {"micro_batch_size": 4}


async def test_a_run_that_does_not_fit_is_refused_with_what_would(box: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("backend.train.plan.devices.memory_available", lambda: 1_200_000_000)
    made = await planned(box, wire.StartRun(settings={"context": 2048}))
    assert made.offer is not None
    assert "it fits with micro_batch_size=" in made.sentence
    with pytest.raises(BadRequest) as refused:
        await run.start(box, wire.StartRun(settings={"context": 2048}))
    assert refused.value.message.startswith("The run does not fit: needs ")
    assert refused.value.hint.startswith("It fits with --set micro_batch_size=")
    fits = await planned(box, wire.StartRun(settings={"context": 2048, **made.offer}))
    assert fits.offer is None and fits.sentence.startswith("fits: ")
    monkeypatch.setattr("backend.train.plan.devices.memory_available", lambda: 1_000_000)
    with pytest.raises(BadRequest) as refused:
        await run.start(box, wire.StartRun())
    assert refused.value.hint.startswith("No setting makes it fit")


@pytest.mark.parametrize(("loss", "epochs"), [(0.5, 2), (2.0, 3), (4.0, 4), (5.9, 5), (None, 3)])
def test_code_that_the_model_knows_is_read_less_often(small_model: ModelInfo, loss: float | None, epochs: int) -> None:
    assert small_model.loss_threshold == 6.0
    assert plan.epochs_for(small_model, [replace(one, loss=loss) for one in files(9, 0)]) == epochs


async def test_with_a_gpu_the_data_decide_and_on_a_cpu_twenty_minutes(
    box: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    box.files = files(3000, 300, 40_000)
    slow = await planned(box, wire.StartRun())
    assert slow.epochs < 1 and slow.duration_s < 25 * 60
    monkeypatch.setattr("backend.train.plan.devices.gpus", lambda: ["one"])
    whole = await planned(box, wire.StartRun())
    assert 2.9 < whole.epochs < 3.1
