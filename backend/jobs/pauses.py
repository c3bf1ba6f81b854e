"""Work that waits until nothing has asked for it again for a while: what every keystroke asks for is done once."""

import asyncio
import logging
from collections.abc import Awaitable, Callable

log = logging.getLogger("refact.jobs")
Work = Callable[[], Awaitable[None]]


class Pauses:
    """One for an engine; each piece of work has a name, and never runs beside another."""

    def __init__(self) -> None:
        self._waiting: dict[str, tuple[asyncio.TimerHandle, Work]] = {}
        self._running: set[asyncio.Task[None]] = set()
        self._turn = asyncio.Lock()

    def after(self, seconds: float, name: str, work: Work) -> None:
        """Do it so long after the last time that this was called with this name."""
        self._forget(name)
        timer = asyncio.get_running_loop().call_later(seconds, self._begin, name)
        self._waiting[name] = timer, work

    async def now(self, name: str, work: Work) -> None:
        """Do it at once, and not again for those who had asked before. Raises what the work raises."""
        self._forget(name)
        async with self._turn:
            await work()

    async def flush(self) -> None:
        """Do at once all that waits, and return when it is done: at the engine's end, or in a test."""
        for name in list(self._waiting):
            self._begin(name)
        await asyncio.gather(*self._running)

    def _forget(self, name: str) -> Work | None:
        if name not in self._waiting:
            return None
        timer, work = self._waiting.pop(name)
        timer.cancel()
        return work

    def _begin(self, name: str) -> None:
        if work := self._forget(name):
            task = asyncio.create_task(self._run(name, work))
            self._running.add(task)
            task.add_done_callback(self._running.discard)

    async def _run(self, name: str, work: Work) -> None:
        try:
            async with self._turn:
                await work()
        except Exception:
            log.exception("%s failed", name)
