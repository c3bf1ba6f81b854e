"""While a run only measures, it is told how much of that is done: every pass through the model counts once."""

import subprocess
import sys
import time
from itertools import groupby
from pathlib import Path

import msgspec
import pytest

from backend import wire
from backend.jobs.journal import JournalWriter, read
from backend.train import counting
from backend.train.counting import Counting
from backend.train.follow import Follower
from tests.train.engine_of_runs import Engine
from tests.train.tiny_run import lines, write_model, write_run

SOON = (
    "import runpy, sys; from backend.train import counting; counting.EVERY_S = 0.0; "
    "sys.argv = ['backend.train', sys.argv[1]]; runpy.run_module('backend.train', run_name='__main__')"
)
RUN = wire.Run(
    run="a",
    model="starter",
    state="running",
    step=30,
    steps=40,
    test_loss=wire.TestLoss(),
    best_checkpoint=None,
    evaluation=None,
    reason=None,
    phase="training",
    elapsed_s=60.0,
    eta_s=20.0,
)


def test_it_tells_now_and_then_and_only_of_what_was_begun(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    counted = Counting(JournalWriter(tmp_path / "journal"))
    counted.one()
    counted.begin(3)
    for _ in range(3):
        counted.one()
    assert read(tmp_path / "journal", 0)[0] == []
    monkeypatch.setattr(counting, "EVERY_S", 0.0)
    counted.begin(2)
    for _ in range(4):
        counted.one()
    assert [(line["done"], line["total"]) for line in read(tmp_path / "journal", 0)[0]] == [
        (0, 2), (1, 2), (2, 2), (2, 2)
    ]  # fmt: skip


@pytest.mark.slow
def test_a_run_counts_every_pass_once(tmp_path: Path) -> None:
    folder = write_run(tmp_path / "run", write_model(tmp_path / "weights"), 10)
    done = subprocess.run([sys.executable, "-c", SOON, str(folder.path)], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    told, phase = [], ""
    for line in lines(folder):
        phase = line["phase"] if line["kind"] == "phase" else phase
        if line["kind"] == "count":
            told.append((phase, line["total"], line["done"]))
    for phase in ("base test loss", "evaluating"):
        series = [list(one) for key, one in groupby(told, key=lambda one: one[:2]) if key[0] == phase]
        assert len(series) == 1
        assert [number for _, _, number in series[0]] == list(range(series[0][0][1]))


async def test_a_job_tells_of_steps_while_it_trains_and_of_passes_while_it_measures(tmp_path: Path) -> None:
    engine = Engine(tmp_path / "home")
    await engine.up()
    follower = Follower(engine.ctx, "a")
    told = follower._how_far(RUN)
    assert (told["done"], told["total"], told["rate"], told["unit"], told["eta_s"]) == (30, 40, 0.5, "steps", 20.0)
    evaluating = msgspec.structs.replace(RUN, phase="evaluating", eta_s=None)
    follower._count({"kind": "phase"})
    assert follower._how_far(evaluating)["total"] == 0
    follower._phase_began = time.monotonic() - 10.0
    follower._count({"kind": "count", "done": 20, "total": 50})
    told = follower._how_far(evaluating)
    assert (told["done"], told["total"], told["unit"]) == (20, 50, wire.BATCHES)
    assert told["rate"] == pytest.approx(2.0, abs=0.2) and told["eta_s"] == pytest.approx(15.0, abs=2.0)
    follower._count({"kind": "phase"})
    assert follower._how_far(evaluating)["total"] == 0
    await engine.down()
