"""The way to the first tuned completion, step by step: each named with its keys, and none once it has been seen."""

from dataclasses import replace

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from backend import wire
from refact_tui import keymap
from refact_tui.first_run import greets, next_step
from refact_tui.keys import ROOMS
from refact_tui.registry import Registry
from refact_tui.state import EngineState, fold, from_wire
from tests.tui.samples import SCAN, source
from tests.tui.stub_engine import EMPTY
from tests.tui.tuning_samples import DONE, FAILED, POINTS, RUN

NEW = from_wire(msgspec.structs.replace(EMPTY, fresh=True), 0.0)
FACE = Registry().face
READY, READING, BROKEN = source(1, "a"), source(2, "b", state="reading"), source(3, "c", state="failed")
CODE = replace(NEW, sources=(READY,))
SCANNED = replace(CODE, scan=SCAN)
TUNED = replace(SCANNED, runs=(DONE,), checkpoints=(POINTS[2],))
BASE = wire.Serving(model="starter", mode="latest-best", checkpoint=None, state="ready")


def scan(**fields: object) -> EngineState:
    return replace(CODE, scan=msgspec.structs.replace(SCAN, **fields))


def runs(*runs: wire.Run) -> EngineState:
    return replace(SCANNED, runs=runs)


def serving(state: wire.HostState) -> EngineState:
    return replace(TUNED, serving=(msgspec.structs.replace(BASE, checkpoint="billing-2:80", state=state),))


@pytest.mark.parametrize(
    ("state", "said", "inside"),
    [
        (NEW, "Next: 1 then n to add your code", "sources: "),
        (replace(NEW, sources=(READING,)), "Now: your code is being read; 1 shows it", "sources: Now: your code is"),
        (replace(NEW, sources=(BROKEN,)), "Next: 1 then R to read it again", "sources: Next: R to read it again"),
        (replace(NEW, sources=(BROKEN, READING)), "Now: your code is being read", ""),
        (replace(NEW, sources=(READING, READY)), "Next: 2 then n to scan", "scan: Next: n to scan"),
        (scan(state="running"), "Now: it scans; 2 shows it", "scan: Now: it scans"),
        (scan(state="queued"), "Now: it scans", ""),
        (scan(state="failed"), "Next: 2 then n to scan again", ""),
        (scan(state="stopped"), "Next: 2 then n to scan again", ""),
        (scan(accepted=0), "Next: 2 then ] to see why no file was accepted", ""),
        (SCANNED, "Next: 3 then n to train", "train: Next: n to train"),
        (runs(RUN), "Now: it trains, also when you leave; 3 shows it", "train: Now: it trains"),
        (runs(msgspec.structs.replace(RUN, state="paused")), "Now: it trains", ""),
        (runs(FAILED), "Next: 3 then R to go on with the run, which has failed", ""),
        (runs(msgspec.structs.replace(FAILED, state="stopped")), "Next: 3 then R to go on with the run", ""),
        (runs(FAILED, DONE), "Next: 3 then n to train", ""),
        (TUNED, "Next: 4 then enter to serve what it has learnt", "checkpoints: Next: enter to serve"),
        (replace(TUNED, serving=(BASE,)), "Next: 4 then enter to serve", ""),
        (replace(TUNED, runs=(RUN, DONE)), "Now: it trains", ""),
        (serving("ready"), "Next: 5 then enter, ctrl+space to try it", "serve: Next: enter, ctrl+space to try it"),
        (serving("loading"), "Now: the model comes up; 5 shows it", ""),
        (serving("failed"), "Next: 5 then R to load the model", ""),
    ],
)
def test_each_step_is_named_with_its_keys(state: EngineState, said: str, inside: str) -> None:
    assert next_step(state, "system", FACE).startswith(said)
    if inside:
        noun, _, there = inside.partition(": ")
        assert next_step(state, noun, FACE).startswith(there) and bool(there) == bool(next_step(state, noun, FACE))
    for room in ROOMS:
        assert len(next_step(state, room.noun, FACE)) <= 78
        assert next_step(replace(state, fresh=False), room.noun, FACE) == ""


def test_a_persons_own_keys_are_named() -> None:
    own = keymap.over({"scan.new": "S", "frame.scan": "f2"}).registry
    assert next_step(CODE, "sources", own.face).startswith("Next: f2 then S to scan")


def test_only_an_engine_with_nothing_in_it_greets() -> None:
    assert greets(NEW)
    two = tuple(wire.Project(name=name, shown=False) for name in ("default", "other"))
    for state in (CODE, replace(NEW, scan=SCAN), replace(NEW, fresh=False), TUNED, replace(NEW, projects=two)):
        assert not greets(state)


@given(st.lists(st.booleans(), min_size=1, max_size=8))
def test_once_seen_it_stays_so_whatever_is_told(told: list[bool]) -> None:
    state = NEW
    for number, fresh in enumerate(told, 1):
        state = fold(state, wire.Event(id=number, kind="requests", data={"changes": number, "fresh": fresh}))
        assert state.fresh is all(told[:number])


def test_an_engine_that_says_nothing_of_it_is_not_taken_for_new() -> None:
    assert msgspec.json.decode(msgspec.json.encode(EMPTY), type=wire.State).fresh is False
    assert fold(NEW, wire.Event(id=1, kind="requests", data={"changes": 1})).fresh
