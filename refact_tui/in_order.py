"""Keys in the order in which they were typed: what follows a tab at once lands in the part that the tab leads to."""

import asyncio
from collections import deque

from textual import events
from textual.app import App
from textual.message import Message

LEADS_ON = ("tab", "shift+tab")
PATIENCE_S = 1.0
"""After which a part that went away with the tab in its hands is no longer waited for."""


class Passed(Message):
    """Goes the way of a tab, right behind it: where it arrives, whatever the tab does has been done."""


class InOrder(App[str]):
    """An app that keeps what comes behind a tab until the tab has moved the focus.

    Textual hands each key to whoever has the focus when it arrives, and a tab does its work only when it has come up
    from there; a tab with text close behind it, as a paste or a slow line brings them, would leave the text behind.
    """

    def __init__(self, ansi_color: bool | None = None) -> None:
        super().__init__(ansi_color=ansi_color)
        self._kept: deque[events.Key | events.Paste] = deque()
        self._waiting: asyncio.TimerHandle | None = None

    async def on_event(self, event: events.Event) -> None:
        """Keep what comes behind a tab; everything else takes Textual's way."""
        if not isinstance(event, events.Key | events.Paste) or event.is_forwarded:
            await super().on_event(event)
        elif self._waiting is not None:
            self._kept.append(event)
        else:
            await super().on_event(event)
            if isinstance(event, events.Key) and event.key in LEADS_ON:
                self._wait()

    def _wait(self) -> None:
        if (self.focused or self.screen).post_message(Passed()):
            loop = asyncio.get_running_loop()
            self._waiting = loop.call_later(PATIENCE_S, self.post_message, Passed())

    async def on_passed(self) -> None:
        """The tab has done its work: hand on what came behind it, up to the next one."""
        if self._waiting is not None:
            self._waiting.cancel()
            self._waiting = None
        while self._kept and self._waiting is None:
            await self.on_event(self._kept.popleft())
