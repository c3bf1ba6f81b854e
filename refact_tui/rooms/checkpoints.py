"""The Checkpoints room: which weights answer, off, the latest best or a specific one, and what each is worth."""

from textual import on, work
from textual.app import ComposeResult

from backend import wire
from refact_tui import words_of_checkpoints as say
from refact_tui.client import EngineError, EngineUnreachable
from refact_tui.registry import press
from refact_tui.rooms.checkpoint_changes import NO_HOST, CheckpointChanges
from refact_tui.rooms.undoing import as_before
from refact_tui.signs import clean
from refact_tui.state import EngineState
from refact_tui.widgets.line import Line
from refact_tui.widgets.listing import Listing
from refact_tui.widgets.reading import Reading
from refact_tui.widgets.tabs import RuleLine
from refact_tui.widgets.waiting import waiting

EMPTY = (
    f"No checkpoints yet, and no model is served. Train a run first ({press('frame.train')}): "
    "its checkpoints appear here."
)
NOTE = "★ best of its run  ▲ served  ◆ pinned"


class CheckpointsRoom(CheckpointChanges):
    """Switches what the IDEs get, at once and without a dropped request."""

    def __init__(self) -> None:
        super().__init__()
        self._before = wire.Use(mode="latest-best")

    def body(self) -> ComposeResult:
        yield Line("", id="points-radio")
        yield Line("", id="points-result")
        yield Listing(say.CHECKPOINT_COLUMNS, empty=EMPTY, id="points-list")
        yield RuleLine(note=NOTE, id="points-title")
        yield Reading(id="points-detail")

    def draw(self, state: EngineState) -> None:
        """Show the checkpoints and what is served now."""
        self.query_one("#points-list", Listing).show(say.checkpoint_rows(state.checkpoints, state.runs, self.serving))
        serving = self.serving
        radio = say.radio_line(serving) if serving else "( ) off  ( ) latest best  ( ) specific: no model is hosted yet"
        self.query_one("#points-radio", Line).update(radio)
        self._detail()
        self.follow_exports(state)

    @property
    def selected(self) -> wire.Checkpoint | None:
        """The checkpoint under the cursor; None on the base row and where there is none."""
        key = self.query_one("#points-list", Listing).key
        return next((point for point in self.state.checkpoints if point.id == key), None)

    @property
    def serving(self) -> wire.Serving | None:
        """What the model of the selected checkpoint answers with."""
        point = self.selected
        hosts = self.state.serving
        return next((host for host in hosts if point and host.model == point.model), hosts[0] if hosts else None)

    @on(Listing.Moved, "#points-list")
    def _detail(self) -> None:
        point = self.selected
        key = self.query_one("#points-list", Listing).key
        run = next((run for run in self.state.runs if point and run.run == point.run), None)
        for part in ("#points-title", "#points-detail"):
            self.query_one(part).display = key is not None
        self.query_one("#points-title", RuleLine).say(clean(key or ""))
        lines = say.detail_lines(point, run, self.size.width - 3) if point else say.BASE_LINES if key else []
        if point is not None and point.id in self.exported:
            lines = [*lines[:4], f"export  {clean(self.exported[point.id])}", *lines[4:]]
        self.query_one("#points-detail", Reading).say("\n".join(lines))

    @on(Listing.Opened, "#points-list")
    def action_use(self) -> None:
        """Serve what is under the cursor."""
        point = self.selected
        if point is not None:
            self._switch(wire.Use(mode="specific", checkpoint=point.id, model=point.model))
        elif self.serving is not None:
            self._switch(wire.Use(mode="off", model=self.serving.model))

    def action_latest_best(self) -> None:
        """Serve the best checkpoint of the newest finished run, now and after each later run."""
        if self.serving is None:
            self.refuse(NO_HOST)
        else:
            self._switch(wire.Use(mode="latest-best", model=self.serving.model))

    def action_on_off(self) -> None:
        """Turn fine-tuning off, or back on to what it was: the difference is seen at once."""
        serving = self.serving
        if serving is None:
            self.refuse(NO_HOST)
        elif serving.mode == "off":
            self._switch(self._before)
        else:
            checkpoint = serving.checkpoint if serving.mode == "specific" else None
            self._before = wire.Use(mode=serving.mode, checkpoint=checkpoint, model=serving.model)
            self._switch(wire.Use(mode="off", model=serving.model))

    @work(exclusive=True, group="switch")
    async def _switch(self, use: wire.Use) -> None:
        before = next((as_before(host) for host in self.state.serving if host.model == use.model), None)
        try:
            with waiting(self, "switching…", self.say):
                used = await self._used(use)
        except (EngineError, EngineUnreachable) as error:
            self.say("✗ " + clean(f"{error.message} {error.hint}".strip()), failed=True)
        else:
            if before is not None and before != use:
                self.remember(say.served_words(used), lambda: self._used(before))

    async def _used(self, use: wire.Use) -> wire.Used:
        used = await self.client.post("/use", use, wire.Used, timeout_s=60)
        self.say(say.used_line(used))
        return used

    def say(self, text: str, failed: bool = False) -> None:
        """Tell what came of something, above the list."""
        line = self.query_one("#points-result", Line)
        line.update(text)
        line.set_class(bool(text), "shown")
        line.set_class(failed, "failed")
