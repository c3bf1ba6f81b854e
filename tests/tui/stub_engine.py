"""A scripted engine on a real unix socket: it serves what it is given and remembers what it was asked."""

import asyncio
import socket
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import msgspec
import uvicorn
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response, StreamingResponse
from starlette.routing import Route

from backend import wire
from backend.paths import Paths

ENGINE = wire.EngineInfo(
    pid=4711,
    version="0.1.0",
    api_version=wire.API_VERSION,
    uptime_s=11520.0,
    socket="/home/ann/.local/share/refact-tui/engine.sock",
    public_url="http://127.0.0.1:8008",
)
EMPTY = wire.State(
    engine=ENGINE, serving=[], jobs=[], sources=[], scan=None, runs=[], checkpoints=[], models=[], last_event_id=100
)
Answer = Any | Callable[[Request, Any], Any]
METHODS = ["GET", "POST", "DELETE"]


class Quiet(uvicorn.Server):
    """A server that leaves the signals to pytest."""

    @contextmanager
    def capture_signals(self) -> Iterator[None]:
        yield


@dataclass
class StubEngine:
    """`answers` maps `METHOD /path` to a struct, an ErrorAnswer, a Response or a function of (request, body)."""

    paths: Paths
    state: wire.State = EMPTY
    answers: dict[str, Answer] = field(default_factory=dict)
    asked: list[tuple[str, Any]] = field(default_factory=list)
    events: list[wire.Event] = field(default_factory=list)
    _closing: bool = False
    _streams: list[asyncio.Queue[wire.Event | None]] = field(default_factory=list)

    def publish(self, kind: str, data: Any) -> None:
        """Tell every attached program of a change."""
        event = wire.Event(
            id=self.state.last_event_id + len(self.events) + 1, kind=kind, data=msgspec.to_builtins(data)
        )
        self.events.append(event)
        for stream in self._streams:
            stream.put_nowait(event)

    def hang_up(self) -> None:
        """Close every stream of events."""
        for stream in self._streams:
            stream.put_nowait(None)

    def asked_for(self, call: str) -> list[Any]:
        """The bodies that came with `METHOD /path`."""
        return [body for name, body in self.asked if name == call]

    @asynccontextmanager
    async def serve(self) -> AsyncIterator["StubEngine"]:
        """Answer on the socket of `paths` while the context is open."""
        with socket.socket(socket.AF_UNIX) as listener:
            self.paths.socket.unlink(missing_ok=True)
            listener.bind(str(self.paths.socket))
            app = Starlette(
                routes=[
                    Route("/events", self._events),
                    Route("/{path:path}", self._answer, methods=METHODS),
                ]
            )
            config = uvicorn.Config(app, log_level="error", lifespan="off", timeout_graceful_shutdown=1)
            server = Quiet(config)
            task = asyncio.create_task(server.serve(sockets=[listener]))
            while not server.started:  # noqa: ASYNC110 (uvicorn has no event for it)
                await asyncio.sleep(0.005)
            try:
                yield self
            finally:
                self._closing = True
                self.hang_up()
                server.should_exit = True
                await task
                self.paths.socket.unlink(missing_ok=True)

    async def _answer(self, request: Request) -> Response:
        raw = await request.body()
        body = msgspec.json.decode(raw) if raw else None
        call = f"{request.method} {request.url.path}"
        self.asked.append((call, body))
        found = {"GET /version": self.state.engine, "GET /state": self.state, **self.answers}.get(call)
        if callable(found):
            found = found(request, body)
        if isinstance(found, Response):
            return found
        if found is None:
            found = wire.ErrorAnswer(error=wire.ErrorBody(code="not_found", message=f"no answer for {call}"))
        status = 409 if isinstance(found, wire.ErrorAnswer) else 200
        return Response(msgspec.json.encode(found), status, media_type="application/json")

    async def _events(self, request: Request) -> Response:
        queue: asyncio.Queue[wire.Event | None] = asyncio.Queue()
        after = int(request.headers.get("last-event-id", "0"))
        for event in self.events:
            if event.id > after:
                queue.put_nowait(event)
        if self._closing:
            queue.put_nowait(None)
        self._streams.append(queue)

        async def lines() -> AsyncIterator[bytes]:
            yield b": hello\n\n"
            while (event := await queue.get()) is not None:
                data = msgspec.json.encode(event.data).decode()
                yield f"id: {event.id}\nevent: {event.kind}\ndata: {data}\n\n".encode()

        return StreamingResponse(lines(), media_type="text/event-stream")


def stub(home: Path) -> StubEngine:
    """A stub for a state home that exists."""
    return StubEngine(Paths(home))
