"""Typed access to the engine over its unix socket: blocking for the shell, asynchronous for the screen."""

from collections.abc import AsyncGenerator, Iterator, Mapping
from contextlib import aclosing
from types import TracebackType
from typing import Any, TypeVar

import httpx
import msgspec

from backend import wire
from backend.paths import Paths

T = TypeVar("T")

BASE_URL = "http://engine"
CONNECT_TIMEOUT_S = 5.0
SILENCE_S = 30.0
"""The engine pings every 10 s; a stream that is silent for longer is dead."""


class EngineError(Exception):
    """The engine said no: `message` is its sentence, `hint` what to do, `code` is stable, `status` is HTTP's."""

    def __init__(self, code: str, message: str, hint: str = "", status: int = 0) -> None:
        super().__init__(message)
        self.code, self.message, self.hint, self.status = code, message, hint, status


class EngineUnreachable(Exception):
    """Nobody answers on the socket, or the answer broke off."""

    def __init__(self, message: str, hint: str = "") -> None:
        super().__init__(message)
        self.message, self.hint = message, hint


class Client:
    """Blocking requests, for the shell. Every method raises EngineError or EngineUnreachable.

    `any_version` leaves the handshake out: stopping must work whatever version answers. `project` is the one that
    requests are about; None: the one that is shown."""

    def __init__(
        self, paths: Paths, timeout_s: float = 30.0, any_version: bool = False, project: str | None = None
    ) -> None:
        self._paths = paths
        self._http = httpx.Client(
            base_url=BASE_URL,
            transport=httpx.HTTPTransport(uds=str(paths.socket)),
            timeout=httpx.Timeout(timeout_s, connect=CONNECT_TIMEOUT_S),
            headers={wire.PROJECT_HEADER: project} if project else {},
            trust_env=False,
        )
        self._greeted = any_version

    def __enter__(self) -> "Client":
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self.close()

    def close(self) -> None:
        """Give the connection back."""
        self._http.close()

    def get(self, path: str, type_: type[T], **query: Any) -> T:
        """Ask for `path`; query values of None are left out."""
        result: T = self._send("GET", path, None, type_, query=query)
        return result

    def post(self, path: str, body: Any, type_: type[T], timeout_s: float | None = None) -> T:
        """Send `body` (a wire struct, a dict, or None for nothing) to `path`."""
        result: T = self._send("POST", path, body, type_, timeout_s=timeout_s)
        return result

    def upload(self, path: str, pieces: Iterator[bytes], type_: type[T], **query: Any) -> T:
        """Send bytes as they come; there is no limit of time."""
        self._greet()
        try:
            answer = self._http.post(path, content=pieces, params=query, timeout=None)
        except (httpx.HTTPError, OSError) as error:
            raise unreachable(error, self._paths) from error
        result: T = answer_of(answer.status_code, answer.content, type_)
        return result

    def delete(self, path: str) -> None:
        """Remove what is at `path`."""
        self._send("DELETE", path, None, Any)

    def _greet(self) -> None:
        if not self._greeted:
            check_version(self._send("GET", "/version", None, wire.EngineInfo))
            self._greeted = True

    def _send(
        self,
        method: str,
        path: str,
        body: Any,
        type_: Any,
        query: Mapping[str, Any] | None = None,
        timeout_s: float | None = None,
    ) -> Any:
        if path != "/version":
            self._greet()
        try:
            answer = self._http.request(method, path, **request_of(body, query, timeout_s))
        except (httpx.HTTPError, OSError) as error:
            raise unreachable(error, self._paths) from error
        return answer_of(answer.status_code, answer.content, type_)


class AsyncClient:
    """The same requests without blocking, and the stream of events. Raises as Client does."""

    def __init__(self, paths: Paths, timeout_s: float = 30.0) -> None:
        self._paths = paths
        self._http = httpx.AsyncClient(
            base_url=BASE_URL,
            transport=httpx.AsyncHTTPTransport(uds=str(paths.socket)),
            timeout=httpx.Timeout(timeout_s, connect=CONNECT_TIMEOUT_S),
            trust_env=False,
        )
        self._greeted = False

    async def close(self) -> None:
        """Give the connections back."""
        await self._http.aclose()

    def forget(self) -> None:
        """Check the version again at the next request: another engine may answer."""
        self._greeted = False

    async def get(self, path: str, type_: type[T], **query: Any) -> T:
        """Ask for `path`; query values of None are left out."""
        result: T = await self._send("GET", path, None, type_, query=query)
        return result

    async def post(self, path: str, body: Any, type_: type[T], timeout_s: float | None = None) -> T:
        """Send `body` (a wire struct, a dict, or None for nothing) to `path`."""
        result: T = await self._send("POST", path, body, type_, timeout_s=timeout_s)
        return result

    async def delete(self, path: str, timeout_s: float | None = None) -> None:
        """Remove what is at `path`."""
        await self._send("DELETE", path, None, Any, timeout_s=timeout_s)

    async def events(self, after: int | None = None) -> AsyncGenerator[wire.Event, None]:
        """Events after this id, then live ones, until the connection breaks (EngineUnreachable) or the caller stops.

        `data` is left as plain dicts; `refact_tui.state` knows their types.
        """
        headers = {"Accept": "text/event-stream"}
        if after is not None:
            headers["Last-Event-ID"] = str(after)
        limit = httpx.Timeout(SILENCE_S, connect=CONNECT_TIMEOUT_S)
        async with aclosing(self._follow("GET", "/events", headers=headers, timeout=limit)) as events:
            async for event in events:
                yield event
        raise EngineUnreachable("The engine closed the stream of events.", "It may be stopping or restarting.")

    async def stream(self, path: str, body: Any, timeout_s: float) -> AsyncGenerator[wire.Event, None]:
        """Send `body`; the answer's events as they come, their `data` plain, at most `timeout_s` apart.

        To stop before the end is to hang up, which ends the work."""
        await self._greet()
        async with aclosing(self._follow("POST", path, **request_of(body, None, timeout_s))) as events:
            async for event in events:
                yield event

    async def _follow(self, method: str, path: str, **how: Any) -> AsyncGenerator[wire.Event, None]:
        try:
            async with self._http.stream(method, path, **how) as answer:
                if answer.status_code >= 400:
                    answer_of(answer.status_code, await answer.aread(), Any)
                reader = EventReader()
                async for line in answer.aiter_lines():
                    if (event := reader.line(line)) is not None:
                        yield event
        except (httpx.HTTPError, OSError) as error:
            raise unreachable(error, self._paths) from error

    async def _greet(self) -> None:
        if not self._greeted:
            check_version(await self._send("GET", "/version", None, wire.EngineInfo))
            self._greeted = True

    async def _send(
        self,
        method: str,
        path: str,
        body: Any,
        type_: Any,
        query: Mapping[str, Any] | None = None,
        timeout_s: float | None = None,
    ) -> Any:
        if path != "/version":
            await self._greet()
        try:
            answer = await self._http.request(method, path, **request_of(body, query, timeout_s))
        except (httpx.HTTPError, OSError) as error:
            raise unreachable(error, self._paths) from error
        return answer_of(answer.status_code, answer.content, type_)


class EventReader:
    """Puts the lines of a server-sent event stream together; pings and torn data give nothing."""

    def __init__(self) -> None:
        self._id, self._kind, self._data = "", "", ""

    def line(self, line: str) -> wire.Event | None:
        """The event that this line completes, if it does."""
        if not line:
            identity, kind, data = self._id, self._kind, self._data
            self._id, self._kind, self._data = "", "", ""
            if not kind:
                return None
            try:
                return wire.Event(id=int(identity or 0), kind=kind, data=msgspec.json.decode(data or "{}"))
            except (ValueError, msgspec.DecodeError):
                return None
        name, _, value = line.partition(":")
        value = value.removeprefix(" ")
        if name == "id":
            self._id = value
        elif name == "event":
            self._kind = value
        elif name == "data":
            self._data = f"{self._data}\n{value}" if self._data else value
        return None


def request_of(body: Any, query: Mapping[str, Any] | None, timeout_s: float | None) -> dict[str, Any]:
    """Keyword arguments for httpx."""
    wanted: dict[str, Any] = {}
    if body is not None:
        wanted["content"] = msgspec.json.encode(body)
        wanted["headers"] = {"Content-Type": "application/json"}
    if query:
        wanted["params"] = {name: value for name, value in query.items() if value is not None}
    if timeout_s is not None:
        wanted["timeout"] = httpx.Timeout(timeout_s, connect=CONNECT_TIMEOUT_S)
    return wanted


def answer_of(status: int, content: bytes, type_: Any) -> Any:
    """The decoded answer. Raises EngineError for a status of 400 and above or an answer that is no such thing."""
    if status >= 400:
        try:
            said = msgspec.json.decode(content, type=wire.ErrorAnswer).error
        except msgspec.DecodeError:
            raise EngineError(
                "failed", f"The engine answered with status {status}.", "Its log says more: Log, in System.", status
            ) from None
        raise EngineError(said.code, said.message, said.hint, status)
    try:
        return msgspec.json.decode(content, type=type_)
    except msgspec.DecodeError as error:
        raise EngineError(
            "version", f"The engine's answer is not understood: {error}.", "refact-tui engine restart", status
        ) from error


def check_version(engine: wire.EngineInfo) -> None:
    """Raises EngineError (code `version`) when the engine speaks another API than this program."""
    if engine.api_version != wire.API_VERSION:
        raise EngineError(
            "version",
            f"The engine (version {engine.version}) speaks API {engine.api_version}, "
            f"this program speaks API {wire.API_VERSION}.",
            "refact-tui engine restart",
        )


def unreachable(error: Exception, paths: Paths) -> EngineUnreachable:
    """What went wrong on the way, in words."""
    if isinstance(error, httpx.TimeoutException) and not isinstance(error, httpx.ConnectTimeout):
        return EngineUnreachable(
            f"The engine did not answer in time ({paths.socket}).", f"Look into its log: {paths.engine_log}"
        )
    return EngineUnreachable(
        f"No engine answers on {paths.socket}.", "refact-tui engine start, or just refact-tui, starts it."
    )
