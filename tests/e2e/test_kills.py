"""kill -9 of the trainer, the engine and the worker at random moments: nothing recorded is lost."""

import random
import time

import pytest

from tests.e2e.engine_box import Box

STEPS = 40
OPTIONS = ("--steps", str(STEPS), "--batch-size", "4", "--seed", "11")
pytestmark = [pytest.mark.soak, pytest.mark.timeout(1500)]


def losses(box: Box, run: str) -> dict[int, tuple[float | None, float | None]]:
    rows = box.ok("train", "metrics", run)
    steps = [row["step"] for row in rows]
    assert steps == sorted(set(steps)), f"doubled steps in {run}: {steps}"
    return {row["step"]: (row["train_loss"], row["test_loss"]) for row in rows}


@pytest.fixture(scope="module")
def undisturbed(scanned: Box) -> dict[int, tuple[float | None, float | None]]:
    run = scanned.ok("train", "start", "--name", "undisturbed", *OPTIONS, "--wait", timeout=900)
    assert run["state"] == "done"
    return losses(scanned, "undisturbed")


def step_of(box: Box, run: str) -> int:
    shown = box.ok("train", "show", run)
    assert shown["state"] not in ("failed", "stopped"), shown
    return int(shown["step"] or 0)


def reach(box: Box, run: str, step: int) -> None:
    """Wait until the run is at this step, or done."""
    box.until(lambda: step_of(box, run) >= step or box.ok("train", "show", run)["state"] == "done", 240)


@pytest.mark.parametrize("seed", [1, 2, 3])
def test_a_run_ends_with_the_same_losses_whatever_was_killed(scanned: Box, undisturbed: object, seed: int) -> None:
    chance = random.Random(seed)
    name = f"killed-{seed}"
    scanned.ok("train", "start", "--name", name, *OPTIONS)
    victims = ["trainer", "engine", "both", "worker"]
    chance.shuffle(victims)
    reached = 0
    for victim in victims[:3]:
        target = chance.randrange(reached + 2, max(reached + 3, STEPS - 8))
        reach(scanned, name, target)
        if scanned.ok("train", "show", name)["state"] == "done":
            break
        reached = step_of(scanned, name)
        known = losses(scanned, name)
        trainers = [p.pid for p in scanned.processes("backend.train")]
        engine = scanned.engine_pid()
        workers = [p.pid for p in scanned.processes("backend.serve")]
        scanned.kill(*{"trainer": trainers, "engine": [engine], "both": [*trainers, engine], "worker": workers}[victim])
        time.sleep(0.5)
        scanned.ok("engine", "start")
        after = losses(scanned, name)
        assert set(known) <= set(after), f"{victim}: steps lost: {sorted(set(known) - set(after))}"
    run = scanned.ok("train", "resume", name, "--wait", timeout=600)
    assert run["state"] == "done" and run["step"] == STEPS, run
    assert losses(scanned, name) == undisturbed
    assert run["evaluation"]["places"] >= 50


def test_completions_come_back_by_themselves(scanned: Box) -> None:
    for _ in range(3):
        workers = scanned.until(lambda: scanned.processes("backend.serve"))
        scanned.kill(*(process.pid for process in workers))

        def answered() -> bool:
            try:
                return bool(scanned.post({"prompt": "import ", "max_tokens": 4})[0] == 200)
            except OSError:
                return False

        scanned.until(answered)


def test_engine_stop_leaves_nothing_and_the_run_goes_on_later(scanned: Box) -> None:
    scanned.ok("train", "start", "--name", "paused-by-stop", *OPTIONS)
    scanned.until(lambda: step_of(scanned, "paused-by-stop") >= 5, 180)
    scanned.ok("engine", "stop")
    assert scanned.processes() == []
    scanned.ok("engine", "start")
    run = scanned.ok("train", "resume", "paused-by-stop", "--wait", timeout=600)
    assert run["state"] == "done" and run["step"] == STEPS


def test_engine_restart_keeps_the_trainer(scanned: Box, undisturbed: object) -> None:
    scanned.ok("train", "start", "--name", "adopted", *OPTIONS)
    scanned.until(lambda: step_of(scanned, "adopted") >= 3, 180)
    trainers = {process.pid for process in scanned.processes("backend.train")}
    scanned.ok("engine", "restart")
    assert {process.pid for process in scanned.processes("backend.train")} == trainers
    run = scanned.ok("train", "resume", "adopted", "--wait", timeout=600)
    assert run["state"] == "done"
    assert losses(scanned, "adopted") == undisturbed
