"""What a run survives: no memory, losses that are no numbers, damaged states and checkpoints, a full disk."""

import contextlib
import os
import shutil
import subprocess
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import psutil
import pytest
import torch

from backend.jobs.journal import JournalWriter
from backend.train import forward, loop, save
from backend.train.job import FULL_DISK, Folder
from tests.train.tiny_run import copy_of, launch, lines, numbers, wait_for_step, write_model, write_run

STEPS = 20
# A trainer is started with Python's warnings off; here it runs inside a test.
pytestmark = [pytest.mark.slow, pytest.mark.filterwarnings("ignore::FutureWarning")]
Nats = Callable[[Any, Any], torch.Tensor]


@pytest.fixture(scope="module")
def model(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_model(tmp_path_factory.mktemp("tiny") / "weights")


@pytest.fixture(scope="module")
def calm(model: Path, tmp_path_factory: pytest.TempPathFactory) -> Folder:
    """A run that nothing happened to."""
    folder = write_run(tmp_path_factory.mktemp("runs") / "calm", model, STEPS, eval_every=5, save_every=3)
    copy_of(folder, folder.path.with_name("untouched"))
    assert train(folder) == ""
    return folder


def fresh(calm: Folder, name: str) -> Folder:
    return copy_of(Folder(calm.path.with_name("untouched")), calm.path.with_name(name))


@contextlib.contextmanager
def as_a_trainer() -> Iterator[None]:
    """A trainer's switches, put back afterwards: other tests live in this process too."""
    before = torch.get_num_threads()
    try:
        yield
    finally:
        torch.use_deterministic_algorithms(False)
        torch.set_num_threads(before)


def train(folder: Folder) -> str:
    """The trainer in this process; returns why it ended early."""
    with as_a_trainer(), pytest.MonkeyPatch.context() as patch:
        # A test's process has a past: its limit would tell of that.
        patch.setattr(loop, "limit", lambda *_: None)
        return loop.Trainer(folder, JournalWriter(folder.journal), lambda: False).run()


def said(folder: Folder) -> list[str]:
    return [line["text"] for line in lines(folder) if line["kind"] == "log"]


def losses(folder: Folder) -> dict[int, float]:
    return {line["step"]: line["train_loss"] for line in lines(folder) if line["kind"] == "step"}


def refuse_above(most: int, monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """Memory for so many rows at once and no more; returns the sizes that were tried."""
    nats, tried = forward.nats, []

    def short(model: Any, one: Any) -> torch.Tensor:
        tried.append(len(one.ids))
        if len(one.ids) > most:
            raise RuntimeError("[enforce fail at alloc_cpu.cpp:127] . DefaultCPUAllocator: can't allocate memory")
        return nats(model, one)

    monkeypatch.setattr(forward, "nats", short)
    return tried


def test_out_of_memory_halves_the_micro_batch_and_the_losses_stay(
    calm: Folder, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = fresh(calm, "short")
    tried = refuse_above(1, monkeypatch)
    train(folder)
    told = [text for text in said(folder) if "micro-batch" in text]
    assert [text.rpartition(" ")[2] for text in told] == ["4", "2", "1"]
    assert "(RuntimeError)" in told[0]
    assert losses(folder) == pytest.approx(losses(calm), rel=1e-3)
    again = copy_of(folder, folder.path.with_name("short-again"))
    shutil.rmtree(again.checkpoints)
    state, _ = save.load_state(again)
    assert state
    assert state["progress"]["micro_batch_size"] == 1
    state["progress"] |= {"step": STEPS - 4, "ended": False}
    save.save_state(again, state)
    tried.clear()
    train(again)
    assert set(tried) == {1}, "a run that resumes remembers how little memory there was"


def test_without_room_for_one_row_activations_are_recomputed_and_then_it_ends_in_words(
    calm: Folder, monkeypatch: pytest.MonkeyPatch
) -> None:
    from backend.train import __main__

    folder = fresh(calm, "none")
    refuse_above(0, monkeypatch)
    monkeypatch.setattr(loop, "limit", lambda *_: None)
    monkeypatch.setattr("backend.train.opening.quicken", lambda *_: None)
    with as_a_trainer():
        assert __main__.main(folder, __main__.Flag()) == 1
    assert any("recomputing activations" in text for text in said(folder))
    end = lines(folder)[-1]
    assert end["kind"] == "failed" and "does not fit into memory" in end["reason"] and "smaller context" in end["hint"]


@pytest.mark.soak
def test_a_real_limit_on_memory_is_kept_by_a_smaller_micro_batch(model: Path, tmp_path: Path) -> None:
    """The system refuses memory as it does where there is none: what a process may hold as data is limited."""
    big: dict[str, Any] = {"batch_size": 64, "micro_batch_size": 64, "context": 512, "precision": "fp32"}
    free = write_run(tmp_path / "free", model, 2, **big)
    most, process = 0, launch(free)
    while process.poll() is None:
        with contextlib.suppress(psutil.Error):
            held = psutil.Process(process.pid).memory_info().data
            # Looked at afterwards: an evaluation that has begun meanwhile is not taken for training.
            if [line["phase"] for line in lines(free) if line["kind"] == "phase"][-1:] in ([], ["training"]):
                most = max(most, held)
        time.sleep(0.005)
    assert process.returncode == 0 and not said(free), free.log.read_text()
    # Of what it held the allocator had up to 64 MB in hand; that much less is none too little.
    folder = write_run(tmp_path / "limited", model, 2, **big, memory_limit_gb=0.8 * most / 1e9)
    assert launch(folder).wait(300) == 0, folder.log.read_text()
    told = said(folder)
    assert any("MB more were asked for" in text and "micro-batch of" in text for text in told), told
    assert lines(folder)[-1]["kind"] == "done"
    assert losses(folder) == pytest.approx(losses(free), rel=1e-3)


def poison(steps: dict[int, int], monkeypatch: pytest.MonkeyPatch) -> None:
    """The loss of a step is no number, so many times that it is computed."""
    step = loop.Trainer._step
    nats = forward.nats
    now = {"step": 0}

    def noted(trainer: loop.Trainer, stream: Any) -> tuple[bool, bool]:
        now["step"] = trainer.progress.step + 1
        now["left"] = steps.get(now["step"], 0)
        steps[now["step"]] = max(now["left"] - 1, 0)
        return step(trainer, stream)

    def poisoned(model: Any, one: Any) -> torch.Tensor:
        return nats(model, one) * (float("nan") if now.get("left") and torch.is_grad_enabled() else 1.0)

    monkeypatch.setattr(loop.Trainer, "_step", noted)
    monkeypatch.setattr(forward, "nats", poisoned)


def test_one_loss_that_is_no_number_is_skipped(calm: Folder, monkeypatch: pytest.MonkeyPatch) -> None:
    folder = fresh(calm, "skipped")
    poison({8: 1}, monkeypatch)
    train(folder)
    assert losses(folder)[8] is None and losses(folder)[STEPS] is not None
    assert any("step 8 was not a number; the step was skipped" in text for text in said(folder))


def test_two_running_go_back_to_the_last_state_at_half_the_rate(calm: Folder, monkeypatch: pytest.MonkeyPatch) -> None:
    folder = fresh(calm, "halved")
    poison({8: 1, 9: 1}, monkeypatch)
    train(folder)
    assert any("going on from step 6 at half the learning rate" in text for text in said(folder))
    rates = {line["step"]: line["learning_rate"] for line in lines(folder) if line["kind"] == "step"}
    before = {line["step"]: line["learning_rate"] for line in lines(calm) if line["kind"] == "step"}
    assert rates[6] == before[6] and rates[10] == pytest.approx(before[10] / 2)
    assert all(losses(folder)[step] is not None for step in range(1, STEPS + 1))
    state, _ = save.load_state(folder)
    assert state
    assert state["progress"]["rate_share"] == 0.5


def test_losses_that_stay_no_numbers_end_the_run_at_its_last_good_checkpoint(
    calm: Folder, monkeypatch: pytest.MonkeyPatch
) -> None:
    from backend.train import __main__

    folder = fresh(calm, "lost")
    poison(dict.fromkeys(range(8, STEPS + 1), 99), monkeypatch)
    monkeypatch.setattr(loop, "limit", lambda *_: None)
    with as_a_trainer():
        assert __main__.main(folder, __main__.Flag()) == 1
    end = lines(folder)[-1]
    assert end["kind"] == "failed" and "half the learning rate" in end["reason"]
    assert "step-000005, is good" in end["reason"] and "learning_rate" in end["hint"]
    assert save.is_whole(folder.checkpoint(5))


@pytest.mark.parametrize(
    "damage", ["flipped", *(pytest.param(one, marks=pytest.mark.soak) for one in ("cut", "emptied"))]
)
def test_a_damaged_state_falls_back_to_the_one_before(calm: Folder, damage: str) -> None:
    folder = fresh(calm, f"damaged-{damage}")
    process = launch(folder)
    wait_for_step(folder, 9, process)
    process.kill()
    process.wait()
    assert folder.former_state.exists()
    # It may have died while the new state was taking the old one's place.
    data = bytearray((folder.state if folder.state.exists() else folder.former_state).read_bytes())
    if damage == "flipped":
        data[len(data) // 2] ^= 0xFF
    folder.state.write_bytes(data[: {"cut": len(data) // 2, "flipped": len(data), "emptied": 0}[damage]])
    assert launch(folder).wait(100) == 0, folder.log.read_text()
    assert any("state.pt is damaged; going on from the state before it" in text for text in said(folder))
    assert numbers(folder) == numbers(calm)


def test_a_damaged_best_checkpoint_is_told_and_the_next_best_is_evaluated(calm: Folder) -> None:
    folder = copy_of(calm, calm.path.with_name("worn"))
    state, _ = save.load_state(folder)
    assert state
    state["progress"]["best_step"] = 15
    save.save_state(folder, state)
    adapter = folder.checkpoint(15) / save.ADAPTER
    adapter.write_bytes(adapter.read_bytes()[:-7])
    assert not save.is_whole(folder.checkpoint(15)) and save.best_whole(folder) == folder.checkpoint(20)
    train(folder)
    assert any("the best checkpoint, step-000015, is damaged; step-000020 is evaluated" in one for one in said(folder))
    assert lines(folder)[-1]["kind"] == "evaluation"


@pytest.fixture
def small_disk() -> Iterator[Path]:
    """A file system of a few hundred kilobytes."""
    place = Path(tempfile.mkdtemp(prefix="small-"))
    mount = ["mount", "-t", "tmpfs", "-o", "size=1m", "tmpfs", str(place)]
    if os.geteuid() != 0 or not shutil.which("mount") or subprocess.run(mount, capture_output=True).returncode:
        place.rmdir()
        pytest.skip("no right to mount a small file system")
    try:
        yield place
    finally:
        subprocess.run(["umount", "-l", str(place)], check=True)
        place.rmdir()


@pytest.mark.soak
def test_a_full_disk_pauses_a_real_run_which_goes_on_when_there_is_room(
    calm: Folder, model: Path, small_disk: Path
) -> None:
    source = fresh(calm, "filled")
    folder = copy_of(source, small_disk / "run")
    job = folder.read_job()
    (folder.path / "content.db").unlink()
    folder.write_job(type(job)(**{**{name: getattr(job, name) for name in job.__struct_fields__}, "run": "run"}))
    ballast = small_disk / "ballast"
    process = launch(folder)
    wait_for_step(folder, 4, process)
    with contextlib.suppress(OSError), ballast.open("wb") as file:
        while True:
            file.write(bytes(4096))
            file.flush()
    assert process.wait(100) == FULL_DISK, folder.log.read_text()
    ballast.unlink()
    end = [line for line in lines(folder) if line["kind"] == "paused"]
    assert all("disk is full" in line["reason"] and "resume run" in line["hint"] for line in end)
    assert launch(folder).wait(100) == 0, folder.log.read_text()
    assert numbers(folder) == numbers(calm)
