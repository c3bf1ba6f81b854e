"""One hosted model: its worker process, the requests that wait for it, and what it answers with."""

import asyncio
import contextlib
import itertools
import logging
import time
from collections.abc import AsyncGenerator, Awaitable, Callable

import msgspec

from backend.context import Context
from backend.errors import NotReady, Overloaded, RefactError
from backend.jobs.process import Child, spawn
from backend.models.catalog import as_json, get
from backend.serve import protocol
from backend.serve.measure import Measure
from backend.serve.pending import Loading, Pending, full
from backend.serve.placement import Placed
from backend.serve.request import Adapter, CompletionRequest, Delta
from backend.store.database import now
from backend.wire import HostState, Placement, ServeMode

log = logging.getLogger("refact.host")
PATIENCE_S = 60.0
"""How long a request waits for a worker that is loading."""
BACK_OFF_S = (0.2, 1.0, 3.0, 10.0)
RERUNS = 3
"""A request that was there at this many deaths of the worker is taken for their cause."""


class Host:
    """Keeps one worker alive and hands requests to it; `changed` is called when what it shows has changed."""

    def __init__(
        self,
        ctx: Context,
        model: str,
        wish: Placement,
        place: Callable[["Host"], Awaitable[Placed]],
        changed: Callable[[str], None],
    ) -> None:
        """`place` makes the wish definite, each time that a worker is started."""
        self.model, self.wish = model, wish
        self.placed: Placed | None = None
        self.state: HostState = "loading"
        self.since = ""
        self.detail = ""
        self.mode: ServeMode = "off"
        self.adapter: Adapter | None = None
        self.switched_ms: float | None = None
        self.memory_bytes: int | None = None
        self.measure = Measure()
        self._ctx, self._place, self._changed = ctx, place, changed
        self._again = asyncio.Event()
        self._ids = itertools.count(1)
        self._pending: dict[int, Pending] = {}
        self._loading: dict[int, Loading] = {}
        self._child: Child | None = None
        self._task: asyncio.Task[None] | None = None
        self._deaths = 0

    def start(self) -> None:
        """Begin to load the model; returns at once."""
        self.since = now()
        self._become("loading")
        self._task = asyncio.create_task(self._live(), name=f"host {self.model}")

    async def restart(self, wish: Placement) -> None:
        """Load anew, as is wished now; requests wait for it, those that are being answered end with an error."""
        self.wish = wish
        if self.state == "paused":
            return
        self._deaths, self.detail = 0, ""
        self._become("loading")
        self._again.set()
        if self._child:
            await self._child.stop(grace_s=0.5)

    def coming(self, how_far: str) -> None:
        """The model is not there yet."""
        if (self.state, self.detail) != ("downloading", how_far):
            self.detail = how_far
            self._become("downloading")
            self._changed(self.model)

    async def pause(self, why: str) -> None:
        """Give back what it takes, until it is started again; requests are refused with `why`."""
        await self._end(NotReady(why, "Try again later, or ask another model."), "paused")
        self.detail = why

    async def close(self) -> None:
        """End the worker and every request."""
        await self._end(
            NotReady("The engine is stopping.", "Start it again with `refact-tui engine start`."), "stopped"
        )

    async def _end(self, why: NotReady, state: HostState) -> None:
        if self._task:
            self._task.cancel()
            await asyncio.gather(self._task, return_exceptions=True)
        self.memory_bytes = None
        self._become(state)
        self._fail_all(why)

    @property
    def waiting(self) -> int:
        """Requests under way."""
        return len(self._pending)

    @property
    def pid(self) -> int | None:
        """Process id of the living worker."""
        return self._child.pid if self._child else None

    @property
    def context(self) -> int:
        """Tokens the model reads at most; 0 where its folder is not complete."""
        if self.placed:
            return self.placed.context
        try:
            return get(self._ctx, self.model).context
        except RefactError:
            return 0

    async def load(self, adapter: Adapter) -> None:
        """Have the worker prepare a checkpoint beside what it serves; waits for it.

        Raises NotReady when there is no worker in time, RefactError when the checkpoint cannot be used."""
        self._refuse_unready()
        id_ = next(self._ids)
        self._loading[id_] = Loading(adapter, asyncio.get_running_loop().create_future())
        try:
            self._send(protocol.Load(id_, adapter))
            async with asyncio.timeout(PATIENCE_S):
                await self._loading[id_].done
        except TimeoutError:
            raise NotReady(f"The model {self.model} is still loading.", "Try again in a moment.") from None
        finally:
            self._loading.pop(id_, None)

    async def generate(self, request: CompletionRequest, adapter: Adapter | None) -> AsyncGenerator[Delta, None]:
        """The answer, piece by piece; leaving the iterator early cancels it within one step of the model.

        Raises Overloaded when too many wait, NotReady when no worker comes in time, RefactError when it died midway."""
        if full(request.key, self._pending.values()):
            raise Overloaded(f"{len(self._pending)} completions are waiting already.", "Try again in a second.")
        self._refuse_unready()
        id_, pending = next(self._ids), Pending(request, adapter)
        self._pending[id_] = pending
        ended = False
        try:
            self._send(protocol.Generate(id_, request, adapter))
            while not ended:
                piece = await self._next(pending)
                ended = piece.finish_reason is not None
                if ended:
                    self.measure.add(piece.first_token_ms)
                    self._changed(self.model)
                yield piece
        finally:
            del self._pending[id_]
            if not ended:
                self._send(protocol.Cancel(id_))

    def _refuse_unready(self) -> None:
        """Raises NotReady where waiting a moment is of no use."""
        if self.state == "downloading":
            raise NotReady(f"The model {self.model} is still downloading ({self.detail}).", "Try again later.")
        if self.state in ("failed", "stopped", "paused"):
            raise NotReady(self.detail or f"The model {self.model} is {self.state}.")

    async def _next(self, pending: Pending) -> Delta:
        """The next piece, for as long as there is a worker to send it."""
        while True:
            try:
                async with asyncio.timeout(PATIENCE_S):
                    piece = await pending.pieces.get()
            except TimeoutError:
                if self.state == "ready":
                    continue
                raise NotReady(f"The model {self.model} is still loading.", "Try again in a moment.") from None
            if isinstance(piece, RefactError):
                raise piece
            return piece

    async def _live(self) -> None:
        """Start the worker again whenever it ends, at once at first, then with growing pauses."""
        while True:
            started = time.monotonic()
            try:
                await self._one_life()
            except (OSError, RefactError) as error:
                self.detail = f"The worker could not be started: {error}"
                self._become("failed")
                self._fail_all(NotReady(self.detail))
            if time.monotonic() - started > 30:
                self._deaths = 0
            log.warning("the worker of %s ended: %s", self.model, self.detail or "killed")
            self._bury()
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(self._again.wait(), BACK_OFF_S[min(self._deaths, len(BACK_OFF_S) - 1)])
            self._again.clear()
            self._deaths += 1

    async def _one_life(self) -> None:
        """From spawning a worker to its end."""
        pipe = asyncio.subprocess.PIPE
        self.placed = await self._place(self)
        if self.state == "downloading":
            self._become("loading")
        threads = str(self.placed.threads)
        self._child = await spawn(
            self._ctx.paths,
            "backend.serve.worker",
            as_json(get(self._ctx, self.model)),
            msgspec.json.encode(self.placed).decode(),
            log=self._ctx.paths.logs / "worker.log",
            env={"OMP_NUM_THREADS": threads, "MKL_NUM_THREADS": threads, "CUDA_DEVICE_ORDER": "PCI_BUS_ID"},
            stdin=pipe,
            stdout=pipe,
        )
        process = self._child.process
        assert process is not None and process.stdout is not None
        try:
            with contextlib.suppress(asyncio.IncompleteReadError, ConnectionError):
                while True:
                    (length,) = protocol.HEADER.unpack(await process.stdout.readexactly(protocol.HEADER.size))
                    self._receive(protocol.from_worker.decode(await process.stdout.readexactly(length)))
        finally:
            await self._child.stop(grace_s=0.5)
            self._child = None

    def _receive(self, message: protocol.FromWorker) -> None:
        if isinstance(message, protocol.Piece):
            if pending := self._pending.get(message.id):
                pending.begun = True
                pending.pieces.put_nowait(message.delta)
        elif isinstance(message, protocol.Warming):
            self._become("warming")
        elif isinstance(message, protocol.Ready):
            self._greet(message)
        elif isinstance(message, protocol.Loaded):
            self.memory_bytes = message.memory_bytes
            if (loading := self._loading.get(message.id)) and not loading.done.done():
                loading.done.set_result(None)
        else:
            self._refuse(message)

    def _greet(self, message: protocol.Ready) -> None:
        """A new worker is there: the checkpoint that is served first, then everything that waited."""
        self.memory_bytes, self.detail = message.memory_bytes, ""
        self._become("ready")
        if self.adapter:
            self._send(protocol.Load(next(self._ids), self.adapter))
        for id_, loading in self._loading.items():
            self._send(protocol.Load(id_, loading.adapter))
        for id_, pending in self._pending.items():
            self._send(protocol.Generate(id_, pending.request, pending.adapter))

    def _refuse(self, message: protocol.Failed) -> None:
        error = (Overloaded if message.overloaded else RefactError)(message.message, message.hint)
        if message.id == 0:
            self.detail = message.message
            self._become("failed")
            self._fail_all(NotReady(message.message, message.hint))
        elif pending := self._pending.get(message.id):
            pending.pieces.put_nowait(error)
        elif (loading := self._loading.get(message.id)) and not loading.done.done():
            loading.done.set_exception(error)
        else:
            self.detail = message.message

    def _bury(self) -> None:
        """The worker is gone: what had begun ends with an error, the rest waits for the next one."""
        if self.state != "failed":
            self._become("loading")
        for pending in list(self._pending.values()):
            pending.deaths += 1
            if pending.begun or pending.deaths >= RERUNS:
                error = RefactError("The inference worker died in the middle of the answer.", "Ask again.")
                pending.pieces.put_nowait(error)

    def _fail_all(self, error: RefactError) -> None:
        for pending in self._pending.values():
            pending.pieces.put_nowait(error)
        for loading in self._loading.values():
            if not loading.done.done():
                loading.done.set_exception(error)

    def _become(self, state: HostState) -> None:
        if state != self.state:
            self.state, self.since = state, now()
            self._changed(self.model)

    def _send(self, message: protocol.ToWorker) -> None:
        """Pass a message on if there is a worker that listens; a new one is told everything anyway."""
        if self.state == "ready" and self._child and self._child.process and self._child.process.stdin:
            self._child.process.stdin.write(protocol.frame(message))
