"""Runs as the engine sees them: started, killed, stopped, adopted and carried over its own restarts."""

import os
import shutil
import signal
from pathlib import Path
from typing import Any

import psutil
import pytest

from backend import wire
from backend.checkpoints import catalog, promote
from backend.checkpoints.promote import better
from backend.errors import BadRequest, Conflict, NotFound, RefactError
from backend.scan import results
from backend.scan.results import AcceptedFile
from backend.train import plan, run
from backend.train.dataset import read_manifest
from backend.train.job import Folder
from tests.train.engine_of_runs import SETTINGS, Engine, engine, model

__all__ = ["engine", "model"]

pytestmark = pytest.mark.slow
SERVED = "INSERT INTO serving(model, mode, run, step, changed) VALUES ('starter', 'specific', 'many', 4, '')"


async def test_a_run_ends_done_with_metrics_checkpoints_and_an_evaluation(engine: Engine) -> None:
    begun = await engine.start("first", steps=30)
    assert begun.state == "queued" and begun.steps == 30 and begun.job is not None
    with pytest.raises(Conflict):
        await engine.start("first")
    with pytest.raises(BadRequest):
        await engine.start("no spaces")
    await engine.ctx.jobs.wait(begun.job)
    done = await run.get(engine.ctx, "first")
    assert (done.state, done.step, done.reason) == ("done", 30, None)
    assert done.test_loss.base is not None and done.test_loss.best is not None
    assert done.test_loss.best < done.test_loss.base
    assert done.evaluation is not None and done.evaluation.places == 20
    losses = await engine.losses("first")
    assert sorted(losses) == list(range(31))
    assert [one.step for one in await run.metrics(engine.ctx, "first", after=27)] == [28, 29, 30]
    job = engine.ctx.jobs.get(begun.job)
    assert job is not None and (job.done, job.total, job.unit) == (30, 30, "steps")
    made = await catalog.list_checkpoints(engine.ctx)
    assert {one.step for one in made} == {10, 20, 30}
    best = await catalog.latest_best(engine.ctx, "starter")
    assert best is not None and best.id == done.best_checkpoint and best.best and Path(best.path).is_dir()
    assert (await catalog.resolve(engine.ctx, "first:10")).step == 10
    with pytest.raises(NotFound):
        await catalog.resolve(engine.ctx, "first:11")
    with pytest.raises(BadRequest):
        await catalog.resolve(engine.ctx, "first")
    assert [one.run for one in engine.finished] == ["first"]
    assert (await run.resume(engine.ctx, "first")).state == "done"
    assert any("held-out places" in line.text for line in await run.log(engine.ctx, "first"))
    with pytest.raises(NotFound):
        await run.get(engine.ctx, "second")


async def test_while_it_trains_it_tells_how_long_it_may_take_and_how_busy_the_device_is(engine: Engine) -> None:
    await engine.start("told", steps=400)
    seen = await engine.until("told", lambda one: one.utilisation is not None, 100)
    assert seen.eta_s is not None and seen.eta_low_s is not None and seen.eta_high_s is not None
    assert 0 <= seen.eta_low_s <= seen.eta_s <= seen.eta_high_s
    assert seen.utilisation is not None and 0 < seen.utilisation <= 1
    stopped = await run.stop(engine.ctx, "told")
    assert (stopped.eta_s, stopped.eta_low_s, stopped.utilisation) == (None, None, None)


@pytest.mark.soak
async def test_of_many_checkpoints_the_best_the_newest_the_pinned_and_the_served_are_kept(engine: Engine) -> None:
    begun = await engine.start("many", steps=24, eval_every=2, keep_checkpoints=2)
    await engine.until("many", lambda one: one.step >= 3)
    assert (await catalog.pin(engine.ctx, "many:2", True)).pinned
    await engine.ctx.db.execute(SERVED)
    assert begun.job
    await engine.ctx.jobs.wait(begun.job)
    tested = {one.step: one.test_loss for one in await run.metrics(engine.ctx, "many") if one.test_loss and one.step}
    best = sorted(tested, key=lambda step: (tested[step], step))[:2]
    made = {one.step: one for one in await catalog.list_checkpoints(engine.ctx)}
    assert set(made) == {*best, 24, 2, 4}
    assert made[2].pinned and made[4].served and made[best[0]].best
    assert not (await catalog.pin(engine.ctx, "many:2", False)).pinned
    with pytest.raises(NotFound):
        await catalog.pin(engine.ctx, "many:1", True)
    folder = engine.paths.runs / "many" / "checkpoints"
    assert {path.name for path in folder.iterdir()} == {f"step-{step:06d}" for step in made}
    assert not (engine.paths.runs / "many" / "trash").exists()
    assert any("thrown away: the checkpoint of step" in line.text for line in await run.log(engine.ctx, "many"))


@pytest.mark.soak
@pytest.mark.skipif(len(os.sched_getaffinity(0)) < 2, reason="needs two cores")
@pytest.mark.timeout(300)
async def test_a_run_in_two_processes_is_raised_again_adopted_and_stopped_as_one(engine: Engine) -> None:
    await engine.start("pair", steps=40, processes=2)
    await engine.until("pair", lambda one: one.step >= 4, 100)
    ranks = psutil.Process(await engine.trainer("pair")).children()
    assert len(ranks) == 2
    ranks[1].kill()
    await engine.until("pair", lambda one: one.attempts == 1 and one.phase == "training", 200)
    leader = await engine.trainer("pair")
    await engine.down()
    await engine.up()
    assert await engine.trainer("pair") == leader
    ranks = psutil.Process(leader).children()
    stopped = await run.stop(engine.ctx, "pair")
    stopped = await engine.until("pair", lambda one: one.state == "stopped", 100)
    assert stopped.step < 40 and not [one for one in ranks if psutil.pid_exists(one.pid)]
    resumed = await run.resume(engine.ctx, "pair")
    assert resumed.job
    await engine.ctx.jobs.wait(resumed.job)
    assert sorted(await engine.losses("pair")) == list(range(41))


@pytest.mark.soak
@pytest.mark.timeout(300)
async def test_a_killed_trainer_is_raised_again_and_ends_with_the_same_losses(engine: Engine) -> None:
    calm = await engine.start("calm")
    killed = await engine.start("killed")
    assert calm.job and killed.job
    await engine.until("killed", lambda one: one.step >= 12)
    os.kill(await engine.trainer("killed"), signal.SIGKILL)
    await engine.until("killed", lambda one: one.attempts == 1)
    await engine.ctx.jobs.wait(killed.job)
    assert (await run.get(engine.ctx, "killed")).state == "done"
    assert await engine.losses("killed") == await engine.losses("calm")
    assert any("was killed" in line.text for line in await run.log(engine.ctx, "killed"))


async def test_stop_saves_and_resume_goes_on_where_it_stood(engine: Engine) -> None:
    begun = await engine.start("walk", steps=80)
    waiting = await engine.start("queue")
    await engine.until("walk", lambda one: one.step >= 3)
    assert (await run.stop(engine.ctx, "queue")).state == "stopped"
    stopped = await run.stop(engine.ctx, "walk")
    assert stopped.state == "stopped" and 3 <= stopped.step < 80
    assert begun.job and waiting.job
    assert (await run.stop(engine.ctx, "walk")).state == "stopped"
    again = await run.resume(engine.ctx, "walk")
    assert again.state in ("queued", "preparing") and again.job
    attached = await run.resume(engine.ctx, "walk")
    assert attached.job == again.job
    await engine.ctx.jobs.wait(again.job)
    done = await run.get(engine.ctx, "walk")
    assert (done.state, done.step) == ("done", 80)
    assert sorted(await engine.losses("walk")) == list(range(81))


async def test_a_new_engine_adopts_a_living_trainer(engine: Engine) -> None:
    await engine.start("long", steps=120)
    await engine.until("long", lambda one: one.step >= 5)
    pid = await engine.trainer("long")
    await engine.down()
    assert psutil.pid_exists(pid)
    await engine.up()
    assert await engine.trainer("long") == pid
    done = await engine.until("long", lambda one: one.state == "done")
    assert done.step == 120 and done.attempts == 0
    assert sorted(await engine.losses("long")) == list(range(121))


@pytest.mark.soak
async def test_a_new_engine_goes_on_with_a_run_that_the_old_one_let_save(engine: Engine) -> None:
    await engine.start("over", steps=100)
    await engine.until("over", lambda one: one.step >= 5)
    pid = await engine.trainer("over")
    await run.shutdown(engine.ctx)
    assert not psutil.pid_exists(pid)
    await engine.down()
    await engine.up()
    done = await engine.until("over", lambda one: one.state == "done")
    assert done.step == 100
    assert sorted(await engine.losses("over")) == list(range(101))


@pytest.mark.soak
async def test_a_trainer_that_cannot_live_is_given_up_in_words(engine: Engine) -> None:
    begun = await engine.start("broken")
    shutil.rmtree(engine.paths.runs / "broken" / "checkpoints", ignore_errors=True)
    (engine.paths.runs / "broken" / "manifest.jsonl").write_text("no json\n")
    assert begun.job
    job = await engine.ctx.jobs.wait(begun.job)
    failed = await run.get(engine.ctx, "broken")
    assert failed.state == "failed" and failed.reason and "4 times in a row at step 0" in failed.reason
    assert "train resume broken" in failed.reason
    assert job is not None


@pytest.mark.soak
async def test_a_run_goes_on_from_a_checkpoint_on_what_is_new(engine: Engine, monkeypatch: pytest.MonkeyPatch) -> None:
    every = await results.accepted(engine.ctx)
    shown = [file for file in every if file.set == "test" or file.path < "linecache"]

    async def files(ctx: Any) -> list[AcceptedFile]:
        return shown

    monkeypatch.setattr("backend.train.plan.results.accepted", files)
    monkeypatch.setattr(plan, "FEWEST_FILES", 3)
    await engine.start("first", 60)
    first = await engine.until("first", lambda one: one.state == "done")
    assert first.best_checkpoint is not None
    with pytest.raises(BadRequest, match="nothing that first"):
        await run.start(engine.ctx, wire.StartRun(continue_from=first.best_checkpoint, new_only=True))
    shown = every
    request = wire.StartRun(
        name="second", steps=10, settings=SETTINGS, continue_from=first.best_checkpoint, new_only=True
    )
    second = await run.start(engine.ctx, request)
    assert second.parent == first.best_checkpoint
    done = await engine.until("second", lambda one: one.state == "done")
    assert done.test_loss.base == first.test_loss.base, "the base is the base model, whatever a run goes on from"
    begun, fresh = (await engine.losses("second"))[1][0], (await engine.losses("first"))[1][0]
    assert begun < fresh - 0.02, "it knows what its parent knew"
    taught = {one.path for one in read_manifest(Folder(engine.paths.runs / "second").manifest) if one.set == "train"}
    new = {file.path for file in every if file.set == "train" and file.path >= "linecache"}
    assert new <= taught and len(taught) <= 2 * len(new)
    for refused, said in (
        (wire.StartRun(continue_from="nobody:1"), "no checkpoint nobody:1"),
        (wire.StartRun(continue_from=first.best_checkpoint, settings={"lora_r": 8}), "lora_r is 8"),
        (wire.StartRun(new_only=True), "New since what"),
    ):
        with pytest.raises(RefactError, match=said):
            await run.start(engine.ctx, refused)


@pytest.mark.soak
async def test_a_run_that_must_be_better_is_held_against_what_is_served(engine: Engine) -> None:
    await engine.start("first", 30)
    first = await engine.until("first", lambda one: one.state == "done")
    assert first.best_checkpoint is not None
    step = int(first.best_checkpoint.partition(":")[2])
    await engine.ctx.db.execute(
        "INSERT INTO serving(model, mode, run, step, changed) VALUES ('starter', 'specific', 'first', ?, '')", (step,)
    )
    await run.start(engine.ctx, wire.StartRun(name="second", steps=60, settings=SETTINGS, only_if_better=True))
    second = await engine.until("second", lambda one: one.state == "done")
    assert second.held_back
    found = second.evaluation
    assert found is not None and found.rival is not None and found.test_loss is not None
    assert found.rival.checkpoint == first.best_checkpoint
    assert first.evaluation is not None and first.evaluation.test_loss is not None
    assert found.rival.test_loss.base == pytest.approx(first.evaluation.test_loss.tuned, rel=1e-4)
    assert found.rival.test_loss.tuned == found.test_loss.tuned
    won, _ = better(found)
    assert await promote.decide(engine.ctx, second) is won
    assert (await run.get(engine.ctx, "second")).held_back is not won
    assert any("served" in line.text for line in await run.log(engine.ctx, "second"))
