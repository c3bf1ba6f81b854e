"""A run in two processes by torchrun: the losses of one process, and one clear state whatever is killed."""

import random
import subprocess
import time
from pathlib import Path
from typing import Any

import psutil
import pytest

from backend.jobs.process import Child, started_at
from backend.train.job import Folder
from tests.train.tiny_run import copy_of, launch, lines, numbers, wait_for_step, write_model, write_run

STEPS = 20
pytestmark = [pytest.mark.soak, pytest.mark.slow, pytest.mark.timeout(300)]


@pytest.fixture(scope="module")
def model(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_model(tmp_path_factory.mktemp("tiny") / "weights")


@pytest.fixture(scope="module")
def two(model: Path, tmp_path_factory: pytest.TempPathFactory) -> Folder:
    """An undisturbed run in two processes."""
    path = tmp_path_factory.mktemp("runs") / "two"
    folder = write_run(path, model, STEPS, processes=2, eval_every=5, save_every=3, micro_batch_size=1, batch_size=5)
    copy_of(folder, folder.path.with_name("untouched"))
    assert launch(folder).wait(200) == 0, folder.log.read_text()
    return folder


def fresh(two: Folder, name: str) -> Folder:
    return copy_of(Folder(two.path.with_name("untouched")), two.path.with_name(name))


def losses(folder: Folder) -> list[Any]:
    return [line.get("train_loss", line.get("test_loss")) for line in lines(folder) if line["kind"] in ("step", "eval")]


def ranks(process: subprocess.Popen[bytes]) -> list[psutil.Process]:
    """In the order of their numbers."""
    return sorted(psutil.Process(process.pid).children(), key=lambda one: int(one.environ()["RANK"]))


def test_two_processes_learn_what_one_does_of_the_same_batches(two: Folder, model: Path) -> None:
    one = write_run(
        two.path.with_name("one"), model, STEPS, eval_every=5, save_every=3, micro_batch_size=1, batch_size=5
    )
    assert launch(one).wait(200) == 0, one.log.read_text()
    assert losses(two) == pytest.approx(losses(one), rel=2e-3)
    kinds = [line["kind"] for line in lines(two)]
    assert kinds.count("start") == 1 and kinds.count("evaluation") == 1, "the first process speaks for both"


@pytest.mark.parametrize("victim", [0, 1])
def test_a_killed_process_ends_all_and_the_run_goes_on_with_the_same_numbers(two: Folder, victim: int) -> None:
    folder = fresh(two, f"killed-{victim}")
    process = launch(folder)
    wait_for_step(folder, random.randint(4, STEPS - 6), process)
    workers = ranks(process)
    workers[victim].kill()
    assert process.wait(100) != 0
    assert not [one for one in workers if one.is_running() and one.status() != psutil.STATUS_ZOMBIE]
    assert lines(folder)[-1]["kind"] in ("step", "eval", "checkpoint"), "nothing was told that is not so"
    assert launch(folder).wait(200) == 0, folder.log.read_text()
    assert numbers(folder) == numbers(two)


def test_a_killed_launcher_takes_its_processes_with_it(two: Folder) -> None:
    folder = fresh(two, "orphans")
    process = launch(folder)
    wait_for_step(folder, 4, process)
    workers = ranks(process)
    process.kill()
    process.wait()
    psutil.wait_procs(workers, timeout=20)
    assert not [one for one in workers if one.is_running() and one.status() != psutil.STATUS_ZOMBIE]


def test_asked_to_end_they_save_at_the_same_step_and_go_on_there(two: Folder) -> None:
    folder = fresh(two, "stopped")
    process = launch(folder)
    wait_for_step(folder, 5, process)
    leader = Child(process.pid, started_at(process.pid) or 0.0, leads=True)
    leader.ask_to_end()
    assert process.wait(100) == 0, folder.log.read_text()
    told = lines(folder)
    assert told[-1]["kind"] == "stopped"
    step = max(line["step"] for line in told if line["kind"] == "step")
    assert (folder.checkpoint(step) / "meta.json").exists()
    assert launch(folder).wait(200) == 0, folder.log.read_text()
    assert numbers(folder) == numbers(two)


def test_asked_before_there_are_any_the_launcher_ends_itself(two: Folder) -> None:
    process = launch(fresh(two, "early"))
    while started_at(process.pid) is None:
        time.sleep(0.01)
    Child(process.pid, started_at(process.pid) or 0.0, leads=True).ask_to_end()
    try:
        assert process.wait(60) is not None
    finally:
        if process.poll() is None:
            process.kill()
