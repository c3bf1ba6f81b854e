"""Folding events: what is told replaces what was known, and nothing told can break it."""

from typing import Any

import msgspec
from hypothesis import given
from hypothesis import strategies as st

from backend import wire
from refact_tui import state as states
from refact_tui.state import EngineState, fold, from_wire
from tests.tui.samples import BUSY, JOB, SOURCES, source
from tests.tui.stub_engine import ENGINE

START = from_wire(BUSY, 0.0)


def event(kind: str, data: Any) -> wire.Event:
    return wire.Event(id=1, kind=kind, data=msgspec.to_builtins(data))


def test_a_known_thing_is_replaced_and_a_new_one_added() -> None:
    done = msgspec.structs.replace(JOB, state="done", done=100)
    after = fold(START, event("job", done))
    assert after.job(7) == done
    assert len(after.jobs) == len(START.jobs)
    after = fold(START, event("source", source(9, "new-one")))
    assert [one.name for one in after.sources][-1] == "new-one"
    after = fold(after, event("source_removed", {"name": "new-one"}))
    assert after.sources == START.sources


def test_serving_moves_the_mark_of_the_served_checkpoint() -> None:
    points = [
        wire.Checkpoint(
            id=f"r:{n}", model="starter", test_loss=1.0, best=False, served=n == 1, size=1, made="", path=""
        )
        for n in (1, 2)
    ]
    state = fold(START, event("checkpoints", {"checkpoints": points}))
    state = fold(
        state, event("serving", wire.Serving(model="starter", mode="specific", checkpoint="r:2", state="ready"))
    )
    assert [point.served for point in state.checkpoints] == [False, True]


def test_metrics_are_kept_in_bounds(monkeypatch: Any) -> None:
    monkeypatch.setattr(states, "METRICS_PER_RUN", 3)
    state = EngineState()
    for step in range(5):
        metric = wire.Metric(step=step, train_loss=1.0, test_loss=None, learning_rate=None, tokens_per_s=None)
        state = fold(state, event("metric", wire.MetricEvent(run="r", metric=metric)))
    assert [metric.step for metric in state.metrics["r"]] == [2, 3, 4]


@given(st.lists(st.integers(0, 60), max_size=80))
def test_ended_jobs_are_kept_in_bounds_and_living_ones_all(ids: list[int]) -> None:
    state = EngineState()
    for number in ids:
        kind: wire.JobState = "running" if number % 3 == 0 else "done"
        state = fold(state, event("job", wire.Job(id=number, kind="scan", name="scan", state=kind)))
    assert {job.id for job in state.alive} == {number for number in ids if number % 3 == 0}
    assert len(state.jobs) - len(state.alive) <= states.ENDED_JOBS
    assert len({job.id for job in state.jobs}) == len(state.jobs)


JSON = st.recursive(st.none() | st.booleans() | st.integers() | st.text(max_size=8), lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=3))  # fmt: skip # noqa: E501


@given(st.sampled_from([*states._STEPS, "log", "reset", "of tomorrow"]), JSON)
def test_what_is_not_understood_changes_nothing(kind: str, data: Any) -> None:
    after = fold(START, wire.Event(id=1, kind=kind, data=data))
    if kind in ("source_removed", "engine", "checkpoints", "trash"):
        return  # these are understood with very little
    assert after == START


@given(st.permutations(SOURCES))
def test_events_in_any_order_end_the_same(order: list[wire.Source]) -> None:
    state = from_wire(msgspec.structs.replace(BUSY, sources=[]), 0.0)
    for one in order:
        state = fold(state, event("source", one))
    assert sorted(one.id for one in state.sources) == sorted(one.id for one in SOURCES)


def test_the_engine_says_that_it_goes() -> None:
    assert fold(START, event("engine", {"state": "stopping"})).stopping
    assert START.engine == ENGINE
