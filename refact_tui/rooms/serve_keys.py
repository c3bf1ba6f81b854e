"""The Keys tab of Serve: who may ask for completions; a key is seen once, when it is made."""

from urllib.parse import quote

from textual import on, work
from textual.app import ComposeResult

from backend import wire
from refact_tui import connect
from refact_tui import words_of_serving as say
from refact_tui.dialogs.confirm import Confirm
from refact_tui.dialogs.made_key import MadeKeyDialog
from refact_tui.dialogs.new_key import NewKeyDialog
from refact_tui.registry import press
from refact_tui.rooms.pane import Pane
from refact_tui.signs import clean
from refact_tui.state import EngineState
from refact_tui.widgets.line import Line
from refact_tui.widgets.listing import Listing


class KeysPane(Pane):
    """Makes keys, shows how they begin and when they were used, and revokes them."""

    def __init__(self, id: str) -> None:
        super().__init__(id=id)
        self._wanted = ""

    def compose(self) -> ComposeResult:
        yield Listing(say.KEY_COLUMNS, empty=say.NO_KEYS, id="keys-list")
        yield Line("", id="keys-note")

    def draw(self, state: EngineState) -> None:
        """Show what there is now."""
        listing = self.query_one(Listing)
        listing.show(say.key_rows(state.keys))
        if any(one.name == self._wanted for one in state.keys):
            listing.select(self._wanted)
            self._wanted = ""
        local = state.engine is None or connect.is_local(state.engine.public_url)
        self.query_one("#keys-note", Line).update(say.CLOSED if local else say.OPEN)

    @property
    def _selected(self) -> wire.ApiKey | None:
        return next((one for one in self.room.state.keys if one.name == self.query_one(Listing).key), None)

    @work
    async def act_new(self) -> None:
        """Ask for a name and limits; the key is then shown, this once."""
        made = await self.app.push_screen_wait(NewKeyDialog(self._create))
        if made is None:
            return
        self._wanted = made.name
        self.draw(self.room.state)
        await self.app.push_screen_wait(MadeKeyDialog(made))

    async def _create(self, request: wire.NewApiKey) -> wire.MadeApiKey:
        return await self.room.client.post("/keys", request, wire.MadeApiKey)

    @work
    async def act_delete(self) -> None:
        """Revoke the key under the cursor, if agreed."""
        one = self._selected
        if one is None:
            self.room.refuse(f"There is no key to revoke; {press('serve.new')} makes one.")
        elif await self.app.push_screen_wait(Confirm("Revoke", say.revoke_words(one), agree="Revoke")):
            path = f"/keys/{quote(one.name, safe='')}"
            self.room.call(self.room.client.delete(path), f"Revoked {clean(one.name)}.")

    @on(Listing.Opened)
    def act_show(self) -> None:
        """The key itself is not kept."""
        if (one := self._selected) is not None:
            way = f"{press('serve.revoke')} revokes it, {press('serve.new')} makes another"
            self.room.refuse(f"The key of {clean(one.name)} is not kept here: {way}.")
