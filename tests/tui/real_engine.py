"""The engine's own control app over real state, in this process: everything but models, runs and a port."""

import asyncio
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import uvicorn

from backend import sockets
from backend.bus import Bus
from backend.context import Context
from backend.control import app as control
from backend.jobs.queue import JobQueue
from backend.paths import Paths
from backend.serve.hosting import Hosts
from backend.store.database import Database
from tests.tui.stub_engine import Quiet


@asynccontextmanager
async def real_engine(home: Path) -> AsyncIterator[Context]:
    """Answers on its socket while the context is open."""
    paths = Paths(home)
    paths.prepare()
    db, bus = await Database.open(paths.database), Bus()
    jobs = JobQueue(db, bus)
    ctx = Context(paths=paths, db=db, bus=bus, jobs=jobs, hosts=None, public_url="", started=time.time())
    ctx.hosts = Hosts(ctx)
    config = uvicorn.Config(
        control.build(ctx, lambda _: None), log_level="error", lifespan="off", timeout_graceful_shutdown=1
    )
    server = Quiet(config)
    with sockets.control(paths) as door:
        task = asyncio.create_task(server.serve(sockets=[door]))
        while not server.started:  # noqa: ASYNC110 (uvicorn has no event for it)
            await asyncio.sleep(0.005)
        try:
            yield ctx
        finally:
            bus.close()
            server.should_exit = True
            await task
            await jobs.close()
            await db.close()
