"""The Requests tab of Serve: what is asked for just now, and what today's answers were like."""

import asyncio

from textual import work
from textual.app import ComposeResult

from backend import wire
from refact_tui import words_of_serving as say
from refact_tui.client import EngineError, EngineUnreachable
from refact_tui.rooms.pane import Pane
from refact_tui.state import EngineState
from refact_tui.widgets.listing import Listing
from refact_tui.widgets.tabs import RuleLine

SHOWN = 200
PAUSE_S = 0.5
"""However many requests come, they are asked for twice a second."""


class RequestsPane(Pane):
    """Asks for the newest when the engine says that there are some, as long as somebody looks."""

    def __init__(self, id: str) -> None:
        super().__init__(id=id)
        self._seen = -1
        self._asking = False

    def compose(self) -> ComposeResult:
        yield Listing(say.REQUEST_COLUMNS, empty=say.NO_REQUESTS, id="requests-list")
        yield RuleLine("today", note="no prompt and no answer is kept", id="requests-rule")
        yield Listing(say.USAGE_COLUMNS, empty="Nothing was asked for today.", id="requests-today")

    def draw(self, state: EngineState) -> None:
        """Look, if there is something new."""
        if state.requests_changed != self._seen and not self._asking:
            self._look()

    def opened(self) -> None:
        """Look whatever was seen before."""
        self._seen = -1
        self.draw(self.room.state)

    @work
    async def _look(self) -> None:
        self._asking = True
        try:
            while self._seen != self.room.state.requests_changed and self.display:
                self._seen = self.room.state.requests_changed
                asked = await self.room.client.get("/requests", list[wire.Asked], limit=SHOWN)
                today = await self.room.client.get("/stats", wire.Stats)
                self._show(asked, today)
                await asyncio.sleep(PAUSE_S)
        except (EngineError, EngineUnreachable) as error:
            self.room.fail(error)
        finally:
            self._asking = False

    def _show(self, asked: list[wire.Asked], today: wire.Stats) -> None:
        listing, rows = self.query_one("#requests-list", Listing), say.request_rows(asked)
        newest = not listing.rows or listing.key == listing.rows[0].key
        listing.show(rows)
        if newest and rows:  # who looks at the newest one wants to go on seeing it
            listing.select(rows[0].key)
        self.query_one("#requests-today", Listing).show(say.usage_rows(today))
