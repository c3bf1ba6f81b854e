"""kill -9 at random instants, many times, states damaged between: the numbers of a quiet run, bit for bit."""

import random
import subprocess
import time
from pathlib import Path

import psutil
import pytest

from backend.train import save
from backend.train.job import Folder
from tests.train.tiny_run import copy_of, launch, lines, numbers, write_model, write_run

STEPS, KILLS = 60, 12
pytestmark = [pytest.mark.soak, pytest.mark.timeout(1800)]


@pytest.fixture(scope="module")
def model(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_model(tmp_path_factory.mktemp("tiny") / "weights")


def kill_soon(process: subprocess.Popen[bytes], folder: Folder, chance: random.Random) -> None:
    """Kill the trainer, with all its processes, some lines and some milliseconds from now; it may have ended before."""
    wanted = len(lines(folder)) + chance.randint(1, 25)
    while process.poll() is None and len(lines(folder)) < wanted:
        time.sleep(0.002)
    time.sleep(chance.random() * 0.05)
    if process.poll() is None:
        victims = psutil.Process(process.pid).children() or [psutil.Process(process.pid)]
        chance.choice(victims).kill()
    process.wait(100)


def damage(folder: Folder, chance: random.Random) -> None:
    """Turn one byte of the newest state, where there is one before it to go back to."""
    if folder.state.exists() and folder.former_state.exists():
        data = bytearray(folder.state.read_bytes())
        data[chance.randrange(len(data))] ^= 1 << chance.randrange(8)
        folder.state.write_bytes(data)


@pytest.mark.parametrize(("seed", "processes"), [(1, 1), (2, 1), (3, 1), (4, 2)])
def test_whatever_is_killed_when_the_numbers_stay(seed: int, processes: int, model: Path, tmp_path: Path) -> None:
    chance = random.Random(seed)
    settings = {"eval_every": 6, "save_every": chance.choice((1, 2, 5)), "lora_dropout": 0.1}
    quiet = write_run(tmp_path / "quiet", model, STEPS, processes=processes, **settings)
    folder = copy_of(quiet, tmp_path / "killed")
    assert launch(quiet).wait(300) == 0, quiet.log.read_text()
    for _ in range(KILLS):
        process = launch(folder)
        kill_soon(process, folder, chance)
        if process.returncode == 0:
            break
        if chance.random() < 0.4:
            damage(folder, chance)
    assert launch(folder).wait(300) == 0, folder.log.read_text()
    assert numbers(folder) == numbers(quiet)
    for step in range(6, STEPS + 1, 6):
        adapters = [one.checkpoint(step) / save.ADAPTER for one in (folder, quiet)]
        assert adapters[0].read_bytes() == adapters[1].read_bytes(), step
    assert not list(folder.checkpoints.glob(".step-*")) and save.load_state(folder)[1] == []
