"""The trainer as a process: killed, stopped or out of disk, a run ends with the numbers of an undisturbed one."""

import random
import signal
from pathlib import Path

import pytest

from backend.train.job import FULL_DISK, Folder
from tests.train.tiny_run import copy_of, launch, lines, numbers, wait_for_step, write_model, write_run

STEPS = 40
pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def model(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_model(tmp_path_factory.mktemp("tiny") / "weights")


@pytest.fixture(scope="module")
def undisturbed(model: Path, tmp_path_factory: pytest.TempPathFactory) -> Folder:
    folder = write_run(tmp_path_factory.mktemp("runs") / "calm", model, STEPS, eval_every=10, save_every=7)
    fresh = copy_of(folder, folder.path.with_name("untouched"))
    assert launch(folder).wait(100) == 0, folder.log.read_text()
    assert fresh.job.exists()
    return folder


def test_a_run_trains_tests_saves_and_evaluates(undisturbed: Folder) -> None:
    told = lines(undisturbed)
    assert [line["step"] for line in told if line["kind"] == "step"] == list(range(1, STEPS + 1))
    tested = {line["step"]: line["test_loss"] for line in told if line["kind"] == "eval"}
    assert list(tested) == [0, 10, 20, 30, 40]
    assert tested[40] < tested[0]
    evaluation = next(line for line in told if line["kind"] == "evaluation")
    assert evaluation["places"] == 12
    assert evaluation["middle_loss"]["tuned"] < evaluation["middle_loss"]["base"]
    assert told[-1]["kind"] == "done"
    for step in (10, 20, 30, 40):
        names = {file.name for file in undisturbed.checkpoint(step).iterdir()}
        assert names == {"adapter_config.json", "adapter_model.safetensors", "meta.json"}


@pytest.mark.soak
def test_killed_at_random_and_then_stopped_it_ends_with_the_same_numbers(undisturbed: Folder) -> None:
    folder = copy_of(Folder(undisturbed.path.with_name("untouched")), undisturbed.path.with_name("killed"))
    process = launch(folder)
    wait_for_step(folder, random.randint(8, STEPS - 10), process)
    process.kill()
    process.wait()
    with folder.journal.open("ab") as journal:
        journal.write(b'{"v":1,"kind":"ste')
    process = launch(folder)
    wait_for_step(folder, STEPS - 4, process)
    process.terminate()
    assert process.wait(60) == 0
    assert launch(folder).wait(100) == 0, folder.log.read_text()
    assert numbers(folder) == numbers(undisturbed)
    for step in (10, 20, 30, 40):
        adapters = [one.checkpoint(step) / "adapter_model.safetensors" for one in (folder, undisturbed)]
        assert adapters[0].read_bytes() == adapters[1].read_bytes()
    assert not list(folder.checkpoints.glob(".step-*"))


def test_sigterm_saves_a_state_and_a_checkpoint(undisturbed: Folder) -> None:
    folder = copy_of(Folder(undisturbed.path.with_name("untouched")), undisturbed.path.with_name("stopped"))
    process = launch(folder)
    wait_for_step(folder, 3, process)
    process.send_signal(signal.SIGTERM)
    assert process.wait(60) == 0
    told = lines(folder)
    assert told[-1]["kind"] == "stopped"
    step = max(line["step"] for line in told if line["kind"] == "step")
    assert folder.state.exists()
    assert (folder.checkpoint(step) / "meta.json").exists()


def test_a_full_disk_pauses_and_keeps_what_was_saved(undisturbed: Folder, monkeypatch: pytest.MonkeyPatch) -> None:
    from backend.train import __main__, save

    folder = copy_of(undisturbed, undisturbed.path.with_name("full"))
    before = folder.state.read_bytes()

    def refuse(*_: object, **__: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("backend.train.save.torch.save", refuse)
    with pytest.raises(save.NoRoom) as caught:
        save.save_state(folder, {})
    assert "disk is full" in caught.value.message and "MB" in caught.value.hint and "resume full" in caught.value.hint
    assert folder.state.read_bytes() == before
    assert not folder.state.with_suffix(".new").exists()

    class Model:
        save_pretrained = staticmethod(refuse)

    with pytest.raises(save.NoRoom):
        save.save_checkpoint(folder, Model(), 41, {})
    assert not folder.checkpoint(41).exists() and not list(folder.checkpoints.glob(".*"))

    monkeypatch.setattr("backend.train.loop.Trainer.run", lambda _: save.save_state(folder, {}))
    assert __main__.main(folder, __main__.Flag()) == FULL_DISK
    assert lines(folder)[-1]["kind"] == "paused"
