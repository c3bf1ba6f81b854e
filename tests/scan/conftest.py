"""An engine's context without an engine: state, bus and jobs in a folder of the test's own."""

import time
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from backend.bus import Bus
from backend.context import Context
from backend.jobs.queue import JobQueue
from backend.paths import Paths
from backend.store.database import Database


@pytest.fixture
async def context(tmp_path: Path) -> AsyncIterator[Context]:
    paths = Paths(tmp_path / "home")
    paths.prepare()
    db = await Database.open(paths.database)
    bus = Bus()
    jobs = JobQueue(db, bus)
    yield Context(paths=paths, db=db, bus=bus, jobs=jobs, hosts=None, public_url="", started=time.time())
    await jobs.close()
    await db.close()
