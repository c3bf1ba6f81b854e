"""What of an engine training needs, with a dozen accepted files, as a fixture; it can go down and come up again."""

import asyncio
import hashlib
import time
from collections.abc import AsyncIterator, Callable
from pathlib import Path
from typing import Any

import pytest

from backend import wire
from backend.bus import Bus
from backend.context import Context
from backend.jobs.queue import JobQueue
from backend.models.catalog import read_folder
from backend.paths import Paths
from backend.scan.results import AcceptedFile
from backend.store.content import ContentStore
from backend.store.database import Database
from backend.train import follow, plan, run
from tests.train.tiny_run import texts, write_model

SETTINGS = {
    "context": 128,
    "batch_size": 4,
    "lora_r": 4,
    "eval_every": 10,
    "save_every": 5,
    "seed": 7,
    "eval_places": 20,
}


@pytest.fixture(scope="module")
def model(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_model(tmp_path_factory.mktemp("tiny") / "weights")


class Engine:
    """What of an engine training needs, over one state home; it can go down and come up again."""

    ctx: Context

    def __init__(self, home: Path) -> None:
        self.paths = Paths(home)
        self.paths.prepare()
        self.finished: list[wire.Run] = []

    async def up(self) -> None:
        database, bus = await Database.open(self.paths.database), Bus()
        jobs = await self._jobs(database, bus)
        self.ctx = Context(paths=self.paths, db=database, bus=bus, jobs=jobs, hosts=None, public_url="", started=0.0)
        self.ctx.on_run_finished.append(self._note)
        await run.recover(self.ctx)

    async def _jobs(self, database: Database, bus: Bus) -> JobQueue:
        return JobQueue(database, bus)

    async def _note(self, finished: wire.Run) -> None:
        self.finished.append(finished)

    async def down(self) -> None:
        """As if killed: nothing is told to anyone."""
        await self.ctx.jobs.close()
        await self.ctx.db.close()

    async def start(self, name: str, steps: int = 60, **settings: Any) -> wire.Run:
        return await run.start(self.ctx, wire.StartRun(name=name, steps=steps, settings={**SETTINGS, **settings}))

    async def until(self, name: str, holds: Callable[[wire.Run], bool], seconds: float = 100) -> wire.Run:
        end = time.monotonic() + seconds
        while time.monotonic() < end:
            if holds(found := await run.get(self.ctx, name)):
                return found
            await asyncio.sleep(0.05)
        raise AssertionError(f"did not come about: {found} {await run.log(self.ctx, name)}")

    async def trainer(self, name: str) -> int:
        row = await self.ctx.db.fetch_one("SELECT pid FROM runs WHERE name = ?", (name,))
        assert row is not None and row["pid"]
        return int(row["pid"])

    async def losses(self, name: str) -> dict[int, tuple[Any, Any]]:
        return {one.step: (one.train_loss, one.test_loss) for one in await run.metrics(self.ctx, name)}


@pytest.fixture
async def engine(tmp_path: Path, model: Path, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Engine]:
    one = Engine(tmp_path / "home")
    store = ContentStore(one.paths.content)
    accepted = []
    for number, (name, text) in enumerate(texts()):
        sha256 = hashlib.sha256(text.encode()).hexdigest()
        store.put_many([(sha256, text.encode())])
        accepted.append(
            AcceptedFile(
                sha256=sha256,
                path=f"{name}.py",
                source="acme",
                language="Python",
                set="test" if number % 4 == 3 else "train",
                loss=2.0,
                size=len(text),
            )
        )
    store.close()

    async def files(ctx: Any) -> list[AcceptedFile]:
        return accepted

    monkeypatch.setattr("backend.train.plan.results.accepted", files)
    monkeypatch.setattr(plan, "FEWEST_TEST_TOKENS", 100)
    monkeypatch.setattr("backend.train.plan.catalog.get", lambda ctx, name: read_folder("starter", model))
    monkeypatch.setattr(follow, "BACK_OFF_S", (0.1, 0.1, 0.1))
    await one.up()
    yield one
    await run.shutdown(one.ctx)
    await one.down()
