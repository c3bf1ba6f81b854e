"""The composition root: opens state, bus, jobs, workers and both apps in order, and closes them in reverse."""

import asyncio
import logging
import signal
import socket
import ssl
import sys
import time
from collections.abc import Iterator
from contextlib import AsyncExitStack, contextmanager, suppress

import uvicorn
from starlette.applications import Starlette

from backend import __version__, nightly, projects, sockets, trash, wire
from backend.bus import Bus
from backend.checkpoints import switch
from backend.context import Context
from backend.control import app as control
from backend.control.models import token_of
from backend.jobs.queue import JobQueue
from backend.models import add as models
from backend.paths import Paths
from backend.scan import run as scans
from backend.serve import app as public
from backend.serve import certificate
from backend.serve import endpoint as endpoints
from backend.serve.hosting import Hosts
from backend.sources import catalog as sources
from backend.sources import upload as uploads
from backend.store.database import Database, now
from backend.train import run as runs

log = logging.getLogger("refact.engine")
DRAIN_S = 3
"""Seconds that requests under way get when the engine stops."""
FIRST_KEY = "first"


class Server(uvicorn.Server):
    """Leaves the signals to the engine, which has two servers."""

    @contextmanager
    def capture_signals(self) -> Iterator[None]:
        """Nothing is captured here."""
        yield


class BusHandler(logging.Handler):
    """Warnings and worse are events too."""

    def __init__(self, bus: Bus) -> None:
        super().__init__(logging.WARNING)
        self._bus, self._loop = bus, asyncio.get_running_loop()

    def emit(self, record: logging.LogRecord) -> None:
        """Publish from whatever thread logs."""
        line = wire.LogLine(at=now(), level=record.levelname.lower(), text=record.getMessage())
        with suppress(RuntimeError):  # the loop has closed: the log file still has the line
            self._loop.call_soon_threadsafe(self._bus.publish, "log", line)


class Engine:
    """One engine; `run` returns when nothing of it is left, trainers excepted where they were to stay.

    `told` are settings of the endpoint that count before all others; with `first_key` a key is made and printed
    where none is there and others than this box would be served."""

    def __init__(self, paths: Paths, told: dict[str, str], first_key: bool = False) -> None:
        self._paths, self._told, self._first_key = paths, told, first_key
        self._leaving = asyncio.Event()
        self._keep_trainers = False

    def leave(self, keep_trainers: bool = False) -> None:
        """End soon."""
        self._keep_trainers = self._keep_trainers or keep_trainers
        self._leaving.set()

    async def run(self) -> None:
        """From opening the state to closing it. Raises RefactError where it cannot start."""
        loop = asyncio.get_running_loop()
        for number in (signal.SIGTERM, signal.SIGINT):
            loop.add_signal_handler(number, self.leave)
        async with AsyncExitStack() as stack:
            database = await Database.open(self._paths.database)
            stack.push_async_callback(database.close)
            endpoint = await endpoints.find(database, self._told)
            if not self._first_key:
                await endpoints.check_open(database, endpoint)
            port = stack.enter_context(sockets.public(endpoint.host, endpoint.port))
            door = stack.enter_context(sockets.control(self._paths))
            stack.callback(self._paths.socket.unlink, missing_ok=True)
            await endpoints.remember(database, self._told)
            ctx = await self._open(stack, database, endpoint.url)
            await self._recover(ctx)
            if self._first_key and endpoint.open:
                await _print_first_key(ctx)
            nights = asyncio.create_task(nightly.watch(ctx))
            stack.callback(nights.cancel)
            tidying = asyncio.create_task(trash.watch(ctx))
            stack.callback(tidying.cancel)
            if endpoint.tls:
                renewals = asyncio.create_task(
                    certificate.follow(endpoint.tls, endpoint.certificate, endpoint.private_key)
                )
                stack.callback(renewals.cancel)
            servers = [_server(control.build(ctx, self.leave)), _server(public.build(ctx), endpoint.tls)]
            serving = [_serve(server, at) for server, at in zip(servers, (door, port), strict=True)]
            log.info("engine %s serves %s and %s", __version__, self._paths.socket, ctx.public_url)
            await self._leaving.wait()
            await self._close(ctx, servers, serving)
        log.info("engine ended")

    async def _open(self, stack: AsyncExitStack, database: Database, public_url: str) -> Context:
        bus = Bus()
        handler = BusHandler(bus)
        logging.getLogger().addHandler(handler)
        stack.callback(logging.getLogger().removeHandler, handler)
        jobs = JobQueue(database, bus)
        await jobs.restore()
        ctx = Context(
            paths=self._paths,
            db=database,
            bus=bus,
            jobs=jobs,
            hosts=None,
            public_url=public_url,
            started=time.time(),
        )
        ctx.hosts = Hosts(ctx)

        async def advance(run: wire.Run) -> None:
            await switch.advance(ctx, run)

        ctx.on_run_finished.append(advance)
        return ctx

    async def _recover(self, ctx: Context) -> None:
        """Take up what the engine before this one left."""
        await projects.restore(ctx)
        await models.recover(ctx, lambda name: token_of(ctx, name))
        await ctx.hosts.restore()
        await switch.restore(ctx)
        await ctx.hosts.start()
        await uploads.clear(ctx)
        await sources.recover(ctx)
        await scans.recover(ctx)
        await runs.recover(ctx)

    async def _close(self, ctx: Context, servers: list[Server], serving: list[asyncio.Task[None]]) -> None:
        """Trainers save first, while clients may still look on; then the doors close, then the workers."""
        log.info("engine stops%s", ", trainers go on" if self._keep_trainers else "")
        ctx.bus.publish("engine", {"state": "stopping"})
        await (runs.detach(ctx) if self._keep_trainers else runs.shutdown(ctx))
        ctx.bus.close()
        for server in servers:
            server.should_exit = True
        await asyncio.gather(*serving, return_exceptions=True)
        await ctx.jobs.close()
        await ctx.pauses.flush()
        await ctx.hosts.close()


async def _print_first_key(ctx: Context) -> None:
    """The one key of a first start; whoever reads what the engine prints has it, and it is never shown again."""
    if not ctx.hosts.keys.shown():
        made = await ctx.hosts.keys.create(wire.NewApiKey(name=FIRST_KEY))
        sys.stdout.write(f"The first API key ({made.name}), shown once: {made.key}\n")
        sys.stdout.flush()


def _server(app: Starlette, tls: ssl.SSLContext | None = None) -> Server:
    # The gate itself looks at what proxies say: who a request comes from decides what it may.
    config = uvicorn.Config(
        app,
        lifespan="off",
        log_config=None,
        access_log=False,
        timeout_graceful_shutdown=DRAIN_S,
        server_header=False,
        proxy_headers=False,
        ssl_context_factory=(lambda config, default: tls) if tls else None,
    )
    return Server(config)


def _serve(server: Server, at: socket.socket) -> asyncio.Task[None]:
    return asyncio.create_task(server.serve(sockets=[at]))
