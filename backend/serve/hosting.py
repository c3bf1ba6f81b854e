"""The models that are hosted now, each with its worker, and which checkpoint each answers with."""

import asyncio
import contextlib
import logging
import sqlite3
import time
from collections.abc import AsyncGenerator, Collection
from dataclasses import replace

import msgspec

from backend import settings, wire
from backend.checkpoints import catalog
from backend.context import Context
from backend.devices import gpus
from backend.errors import BadRequest, NotFound
from backend.models.catalog import STARTER, get
from backend.models.records import publish
from backend.serve.acceptance import Acceptance
from backend.serve.arrival import arrived, on_the_way
from backend.serve.host import Host
from backend.serve.keys import Keys, asking
from backend.serve.llama import read_shape
from backend.serve.placement import Placed, place
from backend.serve.request import BASE, Adapter, CompletionRequest, Delta
from backend.serve.statistics import Statistics
from backend.serve.upstreams import Lists

log = logging.getLogger("refact.hosting")
HOSTED = "serve.hosted"
"""Setting: how each hosted model was placed, by its name; of the starter where that was chosen."""
TIDY_S = 5.0
"""Between two looks at what is to be written."""
QUIET_S = 0.25
"""At most four events a second and model while requests flow."""


class Hosts:
    """Workers by model name; the first one answers requests that name no model."""

    def __init__(self, ctx: Context) -> None:
        self._ctx = ctx
        self._hosts = {STARTER: self._new(STARTER, wire.Placement())}
        self._paused: dict[str, str] = {}
        """Models that are not served just now, by the run that left them no room."""
        self._late: dict[str, asyncio.TimerHandle] = {}
        self._tidying: asyncio.Task[None] | None = None
        self.keys = Keys(ctx)
        self.statistics = Statistics(ctx)
        self.acceptance = Acceptance(self.statistics, self._changed)
        self.elsewhere = Lists(ctx)
        self.caps_version = 0
        """Grows whenever what is served changes, so that IDEs ask for the capabilities again."""

    async def restore(self) -> None:
        """At the engine's start: keys, counts, and the models that were hosted before, as far as they are there."""
        await self.keys.restore()
        await self.statistics.restore()
        kept = await settings.get(self._ctx.db, HOSTED) or {}
        for name, wish in kept.items() if isinstance(kept, dict) else [(name, {}) for name in kept]:
            if name in self._ctx.models or name == STARTER or await on_the_way(self._ctx, name):
                self._hosts[name] = self._new(name, msgspec.convert(wish, wire.Placement))

    async def plan(self, model: str, wish: wire.Placement) -> Placed:
        """Where and how a model would be hosted; nothing happens yet.

        Raises NotFound for an unknown model, BadRequest for what cannot be, TooLarge without memory."""
        info = get(self._ctx, model)
        if "completion" not in info.supports:
            raise BadRequest(f"{model} does not support completion.", "See `refact-tui models list --json`.")
        if info.pickle:
            raise BadRequest(
                f"{model} cannot be hosted yet: its weights are pickled files.", "Save them as safetensors."
            )
        return await self._placed(self._hosts.get(model) or self._new(model, wish), wish)

    async def take_up(self, model: str, wish: wire.Placement) -> None:
        """Host one more model, or one that is hosted in another way; it begins to load. Raises what `plan` raises."""
        if not await on_the_way(self._ctx, model):
            await self.plan(model, wish)
        host = self._hosts.get(model)
        if host is None:
            self._hosts[model] = host = self._new(model, wish)
            host.start()
        elif host.wish != wish or host.state == "failed":
            await host.restart(wish)
        await self._remember()

    async def retry(self, model: str) -> None:
        """Load a model anew, now. Raises NotFound."""
        host = self.host(model)
        await host.restart(host.wish)

    def placed(self) -> dict[str, tuple[Placed, bool]]:
        """Where each hosted model lies, and whether it shares its GPUs."""
        return {name: (host.placed, host.wish.share) for name, host in self._hosts.items() if host.placed}

    def _new(self, model: str, wish: wire.Placement) -> Host:
        return Host(self._ctx, model, wish, self._find_place, self._changed)

    async def _find_place(self, host: Host) -> Placed:
        await arrived(self._ctx, host.model, host.coming)
        return await self._placed(host, host.wish)

    async def _placed(self, host: Host, wish: wire.Placement) -> Placed:
        """Where a host's worker is to be. Raises NotFound, BadRequest, TooLarge."""
        info = get(self._ctx, host.model)
        shape = await asyncio.to_thread(read_shape, info.path)
        taken = [(one.gpus, share) for name, (one, share) in self.placed().items() if name != host.model]
        there = await asyncio.to_thread(gpus)
        if host.pid and host.placed:
            # What it takes now it gives back first.
            freed = (host.memory_bytes or 0) // len(host.placed.devices)
            there = [replace(gpu, free_bytes=gpu.free_bytes + freed * (gpu.index in host.placed.gpus)) for gpu in there]
        closed = {number for numbers, share in taken if not share for number in numbers}
        return place(wish, info, shape, there, {number for numbers, _ in taken for number in numbers}, closed)

    def held(self, on_gpu: bool) -> dict[str, int]:
        """Bytes that hosted models take, on GPUs or in main memory; not the starter, which takes little."""
        return {
            name: host.memory_bytes
            for name, host in self._hosts.items()
            if name != STARTER and host.placed and host.memory_bytes and bool(host.placed.gpus) == on_gpu
        }

    async def pause(self, run: str, models: Collection[str]) -> None:
        """Serve some models no longer until the run has ended."""
        for name in models:
            if name in self._hosts and name not in self._paused:
                self._paused[name] = run
                await self._hosts[name].pause(f"{name} is not served while {run} trains: both do not fit.")

    async def go_on(self, run: str) -> None:
        """A run has ended: what paused for it loads again."""
        for name in [name for name, one in self._paused.items() if one == run]:
            del self._paused[name]
            if host := self._hosts.get(name):
                host.start()

    async def give_up(self, model: str) -> None:
        """Host a model no longer. Raises NotFound for one that is not, BadRequest for the starter."""
        host = self.host(model)
        if model == STARTER:
            raise BadRequest("The starter is always hosted.", "It takes little: a tenth of a gigabyte.")
        del self._hosts[model]
        self._paused.pop(model, None)
        await self._remember()
        await host.close()

    async def _remember(self) -> None:
        self.grow()
        kept = {
            name: msgspec.to_builtins(host.wish)
            for name, host in self._hosts.items()
            if name != STARTER or host.wish != wire.Placement()
        }
        await settings.set(self._ctx.db, HOSTED, kept)
        await publish(self._ctx)

    async def start(self) -> None:
        """Begin to load every hosted model; returns at once, requests wait for readiness."""
        for name, host in self._hosts.items():
            if name not in self._paused:
                host.start()
        self._tidying = asyncio.create_task(self._tidy(), name="tidy")

    async def _tidy(self) -> None:
        """Write now and then what would be too much to write with every request."""
        while True:
            await asyncio.sleep(TIDY_S)
            await self._write()

    async def _write(self, late: bool = False) -> None:
        try:
            await self.keys.flush(late)
            await self.statistics.flush()
        except sqlite3.Error as error:  # a full disk must not keep anybody from being answered
            log.warning("what was asked could not be written: %s", error)

    async def close(self) -> None:
        """End all workers."""
        await self.elsewhere.close()
        if self._tidying:
            self._tidying.cancel()
            await asyncio.gather(self._tidying, return_exceptions=True)
        await self._write(late=True)
        self.statistics.recent.close()
        for host in self._hosts.values():
            await host.close()
        for timer in self._late.values():
            timer.cancel()
        self._late.clear()

    def waiting(self) -> dict[str, int]:
        """Requests under way by model."""
        return {model: host.waiting for model, host in self._hosts.items()}

    def models(self) -> list[str]:
        """Names of the hosted models, the default first."""
        return list(self._hosts)

    def host(self, model: str | None) -> Host:
        """The host of a model, or the first. Raises NotFound, naming those that are hosted."""
        if not model:
            return next(iter(self._hosts.values()))
        if model not in self._hosts:
            raise NotFound(f"The model {model!r} is not hosted here.", f"Hosted: {', '.join(self._hosts)}.")
        return self._hosts[model]

    async def generate(self, request: CompletionRequest) -> AsyncGenerator[Delta, None]:
        """The answer to one request, on the checkpoint that it names or else the one served as it arrives.

        Raises NotFound for an unknown model or checkpoint, and what Host.generate raises."""
        host = self.host(request.model)
        adapter = await self._adapter(host, request.choice)
        request = msgspec.structs.replace(request, key=request.key or asking.get())
        with self.statistics.watch(request, host.model, adapter) as watch:
            async with contextlib.aclosing(host.generate(request, adapter)) as pieces:
                async for piece in pieces:
                    watch.piece(piece)
                    yield piece

    async def _adapter(self, host: Host, choice: str | None) -> Adapter | None:
        if choice is None or (host.adapter and choice == host.adapter.checkpoint):
            return host.adapter
        if choice == BASE:
            return None
        checkpoint = await catalog.resolve(self._ctx, choice)
        if checkpoint.model != host.model:
            raise NotFound(f"The checkpoint {choice} was tuned from {checkpoint.model}, not from {host.model}.")
        return Adapter(checkpoint=checkpoint.id, path=checkpoint.path)

    def point(self, model: str, mode: wire.ServeMode, checkpoint: wire.Checkpoint | None) -> None:
        """Say what a model answers with from now on, without preparing it."""
        host = self.host(model)
        host.mode = mode
        host.adapter = Adapter(checkpoint=checkpoint.id, path=checkpoint.path) if checkpoint else None

    async def switch(self, model: str, mode: wire.ServeMode, checkpoint: wire.Checkpoint | None) -> float:
        """Prepare a checkpoint beside the one that is served, then point to it; milliseconds that took.

        Requests under way end on what they began with. Raises what Host.load raises, and then nothing has changed."""
        began = time.perf_counter()
        host = self.host(model)
        if checkpoint and host.adapter != (adapter := Adapter(checkpoint=checkpoint.id, path=checkpoint.path)):
            await host.load(adapter)
        self.point(model, mode, checkpoint)
        self.grow()
        host.switched_ms = round((time.perf_counter() - began) * 1000, 2)
        return host.switched_ms

    def grow(self) -> int:
        """The next capabilities version; the clock keeps it growing across state homes too."""
        self.caps_version = max(self.caps_version + 1, int(time.time()))
        return self.caps_version

    def snapshot(self) -> list[wire.Serving]:
        """What every hosted model shows."""
        return [self.show(model) for model in self._hosts]

    def show(self, model: str) -> wire.Serving:
        """What one hosted model shows."""
        host = self.host(model)
        return wire.Serving(
            model=model,
            mode=host.mode,
            checkpoint=host.adapter.checkpoint if host.adapter else None,
            state=host.state,
            since=host.since,
            detail=host.detail,
            switched_ms=host.switched_ms,
            requests=host.measure.requests,
            requests_per_s=host.measure.per_second(),
            first_token_ms_p50=host.measure.first_token_ms(0.5),
            first_token_ms_p95=host.measure.first_token_ms(0.95),
            acceptance=self.statistics.acceptance(model),
            device=host.placed.named if host.placed else "",
            dtype=host.placed.dtype if host.placed else "",
            placement=host.wish,
            memory_bytes=host.memory_bytes,
            context=host.context,
            caps_version=self.caps_version,
        )

    def _changed(self, model: str) -> None:
        """Publish what a model shows, soon, and together with what else changes until then."""
        if model not in self._late:
            self._late[model] = asyncio.get_running_loop().call_later(QUIET_S, self._publish, model)

    def _publish(self, model: str) -> None:
        self._late.pop(model, None)
        if model in self._hosts:  # it may have been given up meanwhile, or never been of this box
            self._ctx.bus.publish("serving", self.show(model))
