"""The Sources room: the code to learn from, where it comes from, and which side of the test it stands on."""

from urllib.parse import quote

from textual import on, work
from textual.app import ComposeResult

from backend import wire
from refact_tui import first_run, words
from refact_tui import words_of_sources as say
from refact_tui.dialogs.add_source import AddSourceDialog
from refact_tui.registry import press
from refact_tui.rooms.undoing import Undoing
from refact_tui.signs import clean
from refact_tui.state import EngineState
from refact_tui.widgets.filter_line import FilterLine
from refact_tui.widgets.greeting import ATTACH, DEMO, Greeting
from refact_tui.widgets.line import Line
from refact_tui.widgets.listing import Listing
from refact_tui.widgets.tabs import RuleLine

EMPTY = (
    f"Nothing here yet. Press {press('sources.new')} and paste a git URL or a path on this box: "
    "the code your model is to learn from. "
    f"Scanning it comes next ({press('frame.scan')})."
)
NONE_MATCH = "No source matches the filter. esc clears it."
FIRST = f"There is no source yet; {press('sources.new')} adds one."


class SourcesRoom(Undoing):
    """Adds, reads again, and removes sources."""

    def __init__(self) -> None:
        super().__init__()
        self._wanted = ""

    def body(self) -> ComposeResult:
        yield Listing(say.COLUMNS, id="sources-list")
        yield FilterLine("part of a name, kind, set or state", id="sources-filter")
        yield RuleLine(id="sources-title")
        yield Line("", id="sources-detail")

    def draw(self, state: EngineState) -> None:
        """Show the sources, those at work with how far they are."""
        self._greet(first_run.greets(state))
        text = self.query_one(FilterLine).text
        listing = self._listing
        rows = say.source_rows(state, text)
        listing.show(rows, empty=NONE_MATCH if text and state.sources else EMPTY)
        if any(row.key == self._wanted for row in rows):
            listing.select(self._wanted)
            self._wanted = ""
        self._detail()

    @property
    def _listing(self) -> Listing:
        return self.query_one("#sources-list", Listing)

    def _greet(self, greets: bool) -> None:
        """Put the greeting in the place of the list, or the list back."""
        there = self.query(Greeting)
        if bool(there) == greets:
            return
        self._listing.display = not greets
        if greets:
            self.mount(Greeting(self.face.own, id="sources-greeting"), before=self._listing)
        else:
            there.remove()
            self._listing.focus()

    @on(Greeting.Chosen)
    def _begin(self, event: Greeting.Chosen) -> None:
        if event.way == DEMO and event.folder is not None:
            self.face.run_demo(event.folder)
        elif event.way == ATTACH:
            self.face.ask_for_engine()
        else:
            self.action_new()

    @property
    def selected(self) -> wire.Source | None:
        """The source under the cursor."""
        key = self._listing.key
        return next((source for source in self.state.sources if source.name == key), None)

    @on(Listing.Moved, "#sources-list")
    def _detail(self) -> None:
        source = self.selected
        for part in ("#sources-title", "#sources-detail"):
            self.query_one(part).display = source is not None
        note = "" if self.state.fresh else say.next_step(self.state.sources, self.state.scan)
        self.query_one(RuleLine).say(clean(source.name) if source else "", note)
        lines = say.detail_lines(source, self.state, self.size.width - 2) if source else []
        self.query_one("#sources-detail", Line).say(lines)

    @on(FilterLine.Changed)
    def _filtered(self) -> None:
        self.draw(self.state)

    @on(FilterLine.Left)
    def _back_to_list(self) -> None:
        there = self.query(Greeting)
        (there.first().ways if there else self._listing).focus()

    def action_filter(self) -> None:
        """Show only the rows with a text in them."""
        self.query_one(FilterLine).open()

    def action_back(self) -> None:
        """Clear the filter first."""
        if self.query_one(FilterLine).text:
            self.query_one(FilterLine).action_clear()
        else:
            super().action_back()

    @work
    async def action_new(self) -> None:
        """Ask what to add, and add it."""
        names = [one.name for one in self.state.credentials]
        added = await self.app.push_screen_wait(AddSourceDialog(self._understand, self._add, names))
        if added is not None:
            self._wanted = added.name
            self.draw(self.state)

    async def _understand(self, what: str) -> wire.Understood:
        return await self.client.post("/sources/understand", {"what": what}, wire.Understood)

    async def _add(self, request: wire.AddSource) -> wire.Source:
        return await self.client.post("/sources", request, wire.Source, timeout_s=60)

    def action_sync(self) -> None:
        """Read the source under the cursor again."""
        source = self.selected
        if source is None:
            self.refuse(FIRST)
        elif source.state in ("queued", "reading"):
            self.refuse(f"{clean(source.name)} is being read already.")
        else:
            self.call(self.client.post(f"{path_of(source.name)}/sync", None, wire.Source))

    def action_copy(self) -> None:
        """Copy where the source comes from."""
        if (source := self.selected) is None:
            self.refuse(FIRST)
        else:
            self.copy(source.location)

    @work(group="change")
    async def action_cycle_set(self) -> None:
        """Move the source to the next set."""
        source = self.selected
        if source is None:
            self.refuse(FIRST)
            return
        name, old = source.name, source.set
        if (moved := await self.tried(self._move(name, say.next_set(old)))) is not None:
            self.remember(f"{clean(name)} is in {moved.set}", lambda: self._move(name, old))

    async def _move(self, name: str, to: wire.SetName) -> wire.Source:
        return await self.client.post(f"{path_of(name)}/set", {"set": to}, wire.Source)

    def action_stop(self) -> None:
        """Stop reading the source."""
        source = self.selected
        job = self.state.job(source.job) if source else None
        if source is None or job is None or job.state not in ("queued", "running"):
            self.refuse(f"{clean(source.name)} is not being read." if source else FIRST)
        else:
            self.call(self.client.post(f"/jobs/{job.id}/stop", None, wire.Job))

    @work
    async def action_delete(self) -> None:
        """Remove the source, if agreed."""
        source = self.selected
        if source is None:
            self.refuse(FIRST)
            return
        files = f" with its {words.plural(source.files, 'file')}" if source.files else ""
        text = (
            f"Remove {clean(source.name)}{files} from this project?\n"
            f"It lies in the trash for {wire.TRASH_DAYS} days. The original stays where it is; "
            "finished runs and checkpoints stay too."
        )
        await self.throw("source", source.name, path_of(source.name), text, verb="Remove")


def path_of(name: str) -> str:
    """Where the control API keeps a source."""
    return f"/sources/{quote(name, safe='')}"
