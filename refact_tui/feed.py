"""The one follower of the engine: fetches the state, folds events into it, and comes back when the link breaks."""

import asyncio
import time
from collections.abc import Awaitable, Callable
from contextlib import aclosing
from dataclasses import replace

from backend import wire
from refact_tui.client import AsyncClient, EngineError, EngineUnreachable
from refact_tui.state import EngineState, Link, fold, from_wire

TELL_EVERY_S = 0.25
FIRST_WAIT_S = 0.5
LONGEST_WAIT_S = 5.0
LOST_AFTER = 3
"""Failed tries in a row until the link counts as lost and the engine is started again."""


class Feed:
    """`tell` gets every new state, at most four a second; `revive` starts an engine that has died."""

    def __init__(
        self, client: AsyncClient, tell: Callable[[EngineState], None], revive: Callable[[], Awaitable[str]]
    ) -> None:
        self.state = EngineState()
        self._client = client
        self._tell = tell
        self._revive = revive
        self._told = 0.0
        self._due: asyncio.TimerHandle | None = None
        self._hurry = asyncio.Event()

    def hurry(self) -> None:
        """Try to reconnect now instead of when the wait is over."""
        self._hurry.set()

    async def run(self) -> None:
        """Follow the engine until cancelled; nothing that goes wrong with the link ends it."""
        tries, wait, dead = 0, FIRST_WAIT_S, ""
        while True:
            try:
                told = await self._client.get("/state", wire.State)
                self._become(from_wire(told, time.monotonic()))
                tries, wait, dead = 0, FIRST_WAIT_S, ""
                await self._follow(told.last_event_id)
                continue
            except (EngineError, EngineUnreachable) as error:
                tries += 1
                trouble = f"{error.message} {error.hint}".strip()
            self._client.forget()
            self._link("lost" if tries >= LOST_AFTER else "retrying", dead or trouble)
            if tries == LOST_AFTER and not self.state.stopping:
                dead = await self._revive()  # why it cannot start says more than that nobody answers
                self._link("lost", dead or trouble)
            await self._pause(wait)
            wait = min(LONGEST_WAIT_S, wait * 2)

    async def _follow(self, after: int) -> None:
        """Fold events until the engine asks for a fresh start; raises as the client does."""
        async with aclosing(self._client.events(after)) as events:
            async for event in events:
                if event.kind == "reset":
                    return
                self._become(fold(self.state, event))

    async def _pause(self, wait: float) -> None:
        self._hurry.clear()
        try:
            await asyncio.wait_for(self._hurry.wait(), wait)
        except TimeoutError:
            pass

    def _link(self, link: Link, trouble: str) -> None:
        since = self.state.down_since or time.monotonic()
        self._become(replace(self.state, link=link, trouble=trouble, down_since=since))

    def _become(self, state: EngineState) -> None:
        if state is self.state:
            return
        self.state = state
        if self._due is None:
            wait = max(0.0, self._told + TELL_EVERY_S - time.monotonic())
            self._due = asyncio.get_running_loop().call_later(wait, self._say)

    def _say(self) -> None:
        self._due = None
        self._told = time.monotonic()
        self._tell(self.state)
