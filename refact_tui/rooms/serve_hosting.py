"""The keys of Serve that are about the models themselves: host one more, place one anew, retry, host no longer."""

from urllib.parse import quote

from textual import work

from backend import wire
from refact_tui import words_of_placement as say
from refact_tui.dialogs.confirm import Confirm
from refact_tui.dialogs.placement import PlacementDialog
from refact_tui.registry import press
from refact_tui.rooms.pane import Pane
from refact_tui.signs import clean
from refact_tui.widgets.listing import Listing

ELSEWHERE = "It is a model of another server: there is nothing to place here."
NONE = f"No model is hosted yet; {press('serve.host')} hosts one."
STARTER = "starter"


class HostingPane(Pane):
    """The base of the tab with which the room opens; what is meant is under the cursor among the hosts."""

    @property
    def host(self) -> wire.Serving | None:
        """The host under the cursor; None on a model of another server."""
        named = self.room.query_one("#serve-hosts", Listing).key
        return next((one for one in self.room.state.serving if one.model == named), None)

    def _refuse(self) -> None:
        """Say why there is no host under the cursor."""
        self.room.refuse(ELSEWHERE if self.room.query_one("#serve-hosts", Listing).key else NONE)

    @work
    async def act_new(self) -> None:
        """Ask which model, and where."""
        hosted = {one.model for one in self.room.state.serving}
        models = [
            one.name
            for one in self.room.state.models
            if one.state == "ready" and one.name not in hosted and "completion" in one.supports
        ]
        if models:
            await self._place(models, None)
        else:
            self.room.refuse(say.NOTHING)

    @work
    async def act_edit(self) -> None:
        """Ask where the model under the cursor shall be."""
        if (host := self.host) is None:
            self._refuse()
        else:
            await self._place([], host)

    def act_retry(self) -> None:
        """Load the model under the cursor again."""
        if (host := self.host) is None:
            self._refuse()
        elif host.state == "failed":
            path = f"/hosts/{quote(host.model, safe='')}/retry"
            self.room.call(self.room.client.post(path, None, wire.Serving))
        else:
            self.room.refuse(f"{clean(host.model)} is {host.state}: there is nothing to retry.")

    @work
    async def act_delete(self) -> None:
        """Host the model under the cursor no longer, if agreed."""
        if (host := self.host) is None:
            self._refuse()
        elif host.model == STARTER:
            self.room.refuse("The starter is always hosted; it takes little.")
        elif await self.app.push_screen_wait(
            Confirm("Unhost", say.unhost_words(host), agree="Unhost", typed=host.model)
        ):
            if await self.room.tried(self._unhost(host.model)) is None:
                return
            wish = wire.HostModel(model=host.model, placement=host.placement)
            self.room.remember(f"{clean(host.model)} is hosted no longer", lambda: self._load(wish))
            self.app.notify(f"{clean(host.model)} is hosted no longer.", markup=False, timeout=4)

    async def _unhost(self, model: str) -> bool:
        await self.room.client.delete(f"/hosts/{quote(model, safe='')}")
        return True

    async def _place(self, models: list[str], host: wire.Serving | None) -> None:
        made = await self.app.push_screen_wait(PlacementDialog(self._planned, self._load, models, host))
        if made is None:
            return
        name = clean(made.model)
        if host is None:
            self.room.remember(f"{name} is hosted", lambda: self._unhost(made.model))
        else:
            wish = wire.HostModel(model=host.model, placement=host.placement)
            self.room.remember(f"{name} is placed anew", lambda: self._load(wish))

    async def _planned(self, wanted: wire.HostModel) -> wire.PlacementPlan:
        return await self.room.client.post("/hosts/plan", wanted, wire.PlacementPlan)

    async def _load(self, wanted: wire.HostModel) -> wire.Serving:
        return await self.room.client.post("/hosts", wanted, wire.Serving)
