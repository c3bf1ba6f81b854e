"""Switching what a model answers with: modes, memory across restarts, refusals in words."""

from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest

from backend import wire
from backend.bus import Bus
from backend.checkpoints import catalog, switch
from backend.context import Context
from backend.errors import BadRequest, Conflict, NotFound, NotReady
from backend.jobs.queue import JobQueue
from backend.paths import Paths
from backend.store.database import Database


def checkpoint(run: str, step: int) -> wire.Checkpoint:
    return wire.Checkpoint(
        id=f"{run}:{step}",
        model="starter",
        test_loss=1.0,
        best=True,
        served=False,
        size=1,
        made="",
        path="/p",
        run=run,
        step=step,
    )


class FakeHosts:
    """Remembers what it was told to serve."""

    def __init__(self) -> None:
        self.caps_version = 0
        self.ready = True
        self.now: tuple[wire.ServeMode, wire.Checkpoint | None] = ("off", None)

    def models(self) -> list[str]:
        return ["starter"]

    def host(self, model: str | None) -> Any:
        if model not in ("", "starter"):
            raise NotFound(f"{model} is not hosted here.")
        return type("Host", (), {"model": "starter"})

    def point(self, model: str, mode: wire.ServeMode, row: wire.Checkpoint | None) -> None:
        self.now = mode, row

    def grow(self) -> int:
        self.caps_version += 1
        return self.caps_version

    async def switch(self, model: str, mode: wire.ServeMode, row: wire.Checkpoint | None) -> float:
        if not self.ready:
            raise NotReady("still loading")
        self.point(model, mode, row)
        self.grow()
        return 1.5

    def snapshot(self) -> list[wire.Serving]:
        mode, row = self.now
        return [wire.Serving(model="starter", mode=mode, checkpoint=row.id if row else None, state="ready")]


class Scene:
    def __init__(self, ctx: Context) -> None:
        self.ctx = ctx
        self.rows: list[wire.Checkpoint] = []
        self.best: wire.Checkpoint | None = None

    async def list_checkpoints(self, ctx: Context) -> list[wire.Checkpoint]:
        return self.rows

    async def resolve(self, ctx: Context, name: str) -> wire.Checkpoint:
        for row in self.rows:
            if row.id == name:
                return row
        raise NotFound(f"There is no checkpoint {name}.")

    async def latest_best(self, ctx: Context, model: str) -> wire.Checkpoint | None:
        return self.best

    async def restart(self) -> FakeHosts:
        self.ctx.hosts = hosts = FakeHosts()
        await switch.restore(self.ctx)
        return hosts


@pytest.fixture
async def scene(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Scene]:
    paths = Paths(tmp_path)
    paths.prepare()
    database = await Database.open(paths.database)
    bus = Bus()
    jobs = JobQueue(database, bus)
    scene = Scene(Context(paths=paths, db=database, bus=bus, jobs=jobs, hosts=FakeHosts(), public_url="", started=0.0))
    for name in ("list_checkpoints", "resolve", "latest_best"):
        monkeypatch.setattr(catalog, name, getattr(scene, name))
    yield scene
    await database.close()


async def test_a_new_home_follows_the_latest_best_and_begins_with_the_base(scene: Scene) -> None:
    hosts = await scene.restart()
    assert hosts.now == ("latest-best", None)


async def test_each_mode_is_remembered(scene: Scene) -> None:
    one, two = checkpoint("r", 1), checkpoint("r", 2)
    scene.rows, scene.best = [one, two], two
    await scene.restart()
    for use, expected in (
        (wire.Use(mode="off"), ("off", None)),
        (wire.Use(mode="latest-best"), ("latest-best", two)),
        (wire.Use(mode="specific", checkpoint="r:1"), ("specific", one)),
    ):
        used = await switch.use(scene.ctx, use)
        assert used.checkpoint == (expected[1].id if expected[1] else None)
        assert used.switched_ms == 1.5
        version = scene.ctx.hosts.caps_version
        hosts = await scene.restart()
        assert hosts.now == expected
        assert hosts.caps_version > version


async def test_refusals(scene: Scene) -> None:
    await scene.restart()
    before = scene.ctx.hosts.now
    for use, kind in (
        (wire.Use(mode="latest-best"), Conflict),
        (wire.Use(mode="specific"), BadRequest),
        (wire.Use(mode="specific", checkpoint="no:1"), NotFound),
        (wire.Use(mode="off", model="other"), NotFound),
    ):
        with pytest.raises(kind):
            await switch.use(scene.ctx, use)
    assert scene.ctx.hosts.now == before


async def test_a_checkpoint_that_is_gone_leaves_the_base(scene: Scene) -> None:
    scene.rows = [checkpoint("r", 1)]
    await scene.restart()
    await switch.use(scene.ctx, wire.Use(mode="specific", checkpoint="r:1"))
    scene.rows = []
    assert (await scene.restart()).now == ("off", None)


def finished(model: str = "starter") -> wire.Run:
    return wire.Run(
        run="r",
        model=model,
        state="done",
        step=2,
        steps=2,
        test_loss=wire.TestLoss(),
        best_checkpoint="r:2",
        evaluation=None,
        reason=None,
    )


@pytest.mark.parametrize("ready", [True, False])
async def test_a_finished_run_advances_who_follows_the_latest_best(scene: Scene, ready: bool) -> None:
    hosts = await scene.restart()
    hosts.ready = ready
    scene.best = checkpoint("r", 2)
    version = hosts.caps_version
    await switch.advance(scene.ctx, finished())
    assert hosts.now == ("latest-best", scene.best)
    assert hosts.caps_version > version
    assert (await scene.restart()).now == ("latest-best", scene.best)


async def test_a_finished_run_leaves_others_alone(scene: Scene) -> None:
    hosts = await scene.restart()
    await switch.use(scene.ctx, wire.Use(mode="off"))
    scene.best = checkpoint("r", 2)
    version = hosts.caps_version
    await switch.advance(scene.ctx, finished())
    assert hosts.now == ("off", None)
    assert hosts.caps_version > version  # the new name is worth a look
    await switch.advance(scene.ctx, finished("elsewhere"))
