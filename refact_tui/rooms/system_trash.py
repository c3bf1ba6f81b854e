"""The Trash tab of System: what was deleted in any room, how long it stays, what it takes on disk, and the way back."""

from urllib.parse import quote

from textual import on, work
from textual.app import ComposeResult

from backend import wire
from refact_tui import words
from refact_tui import words_of_trash as say
from refact_tui.client import EngineError, EngineUnreachable
from refact_tui.dialogs.confirm import Confirm
from refact_tui.rooms.pane import Pane
from refact_tui.rooms.undoing import PATIENCE_S
from refact_tui.signs import clean
from refact_tui.state import EngineState
from refact_tui.widgets.line import Line
from refact_tui.widgets.listing import Listing
from refact_tui.widgets.tabs import RuleLine

NOTHING = "The trash is empty."
ALL = "trash"
"""What has to be typed before all of it goes."""


class TrashPane(Pane):
    """Asks for what there is when it is opened, and when the engine says that it is something else."""

    def __init__(self, id: str) -> None:
        super().__init__(id=id)
        self._seen = -1
        self._trash: list[wire.Trashed] = []

    def compose(self) -> ComposeResult:
        yield Listing(say.COLUMNS, empty=say.EMPTY, id="trash-list")
        yield RuleLine(id="trash-rule")
        yield Line("", id="trash-detail")

    def draw(self, state: EngineState) -> None:
        """Look, if something was thrown away or brought back."""
        if state.trash_changed != self._seen:
            self._look()

    def opened(self) -> None:
        self._look()

    @work(exclusive=True, group="trash")
    async def _look(self) -> None:
        self._seen = self.room.state.trash_changed
        try:
            self._trash = await self.room.client.get("/trash", list[wire.Trashed])
        except (EngineError, EngineUnreachable) as error:
            self._trash = []
            self.query_one(Listing).show([], empty=clean(f"{error.message} {error.hint}"))
        else:
            self.query_one(Listing).show(say.rows(self._trash), empty=say.EMPTY)
        self._detail()

    @property
    def _selected(self) -> wire.Trashed | None:
        return next((one for one in self._trash if one.id == self.query_one(Listing).key), None)

    @on(Listing.Moved)
    def _detail(self) -> None:
        one = self._selected
        self.query_one(RuleLine).say(clean(one.name) if one else "", say.whole(self._trash))
        self.query_one("#trash-detail", Line).say(say.lines(one) if one else [])

    @on(Listing.Opened)
    @work(group="change")
    async def _back(self) -> None:
        if (one := self._selected) is None:
            self.room.refuse(NOTHING)
            return
        asking = self.room.client.post(
            f"/trash/{quote(one.id, safe='')}/restore", wire.Restore(), dict, timeout_s=PATIENCE_S
        )
        if await self.room.tried(asking) is not None:
            self.app.notify(f"{clean(one.name)} is back.", markup=False, timeout=4)

    @work
    async def act_delete(self) -> None:
        """Delete what is under the cursor for good; a run or a project asks for its name."""
        if (one := self._selected) is None:
            self.room.refuse(NOTHING)
            return
        typed = one.name if one.kind in ("run", "project") else ""
        text = f"Delete {clean(one.name)} ({say.kind(one)}, {words.size(one.size)}) for good?\nThere is no way back."
        if await self.app.push_screen_wait(Confirm("Delete for good", text, agree="Delete", typed=typed)):
            await self._empty(one.id)

    @work
    async def act_empty(self) -> None:
        """Delete everything in the trash for good."""
        if not self._trash:
            self.room.refuse(NOTHING)
            return
        text = f"Empty the trash: {say.whole(self._trash).partition(' · each')[0]}.\nThere is no way back."
        if await self.app.push_screen_wait(Confirm("Empty the trash", text, agree="Empty", typed=ALL)):
            await self._empty(None)

    async def _empty(self, name: str | None) -> None:
        asking = self.room.client.post("/trash/empty", wire.EmptyTrash(name=name), list[wire.Trashed])
        if (gone := await self.room.tried(asking)) is not None:
            freed = words.size(sum(one.size for one in gone))
            self.app.notify(f"Deleted {words.plural(len(gone), 'thing')} for good: {freed}.", markup=False, timeout=4)
