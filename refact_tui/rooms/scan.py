"""The Scan room: how many files are left after each step, why the others are not, and every file with its verdict."""

import time
from typing import Any

from textual import on, work
from textual.app import ComposeResult
from textual.containers import Horizontal

from backend import wire
from refact_tui import words
from refact_tui import words_of_scan as say
from refact_tui.client import EngineError, EngineUnreachable
from refact_tui.dialogs.file import FileDialog
from refact_tui.registry import press
from refact_tui.rooms.scan_changes import ScanChanges
from refact_tui.signs import clean
from refact_tui.state import EngineState
from refact_tui.widgets.filter_line import FilterLine
from refact_tui.widgets.line import Line
from refact_tui.widgets.listing import Listing
from refact_tui.widgets.tabs import TabLine
from refact_tui.widgets.virtual_table import Page, VirtualTable

NO_SOURCES = f"Nothing to scan yet. Add code first: press {press('frame.sources')}, then {press('sources.new')}."
NO_SCAN = f"Not scanned yet. Press {press('scan.new')}: every file gets a verdict, and every rejected one its reason."
READING = f"The sources are still being read ({press('frame.sources')}). Press {press('scan.new')} when they are ready."
FILTER_HINT = "*.py  loss>2  reason:duplicate  source:NAME  warning:secret  or part of a path"
RELOAD_S = 2.0
TABS = ("Accepted", "Rejected")


class ScanRoom(ScanChanges):
    """Starts scans and lets one read their verdicts."""

    def __init__(self) -> None:
        super().__init__()
        self._reason: str | None = None
        self._language: str | None = None
        self._seen: tuple[Any, ...] = ()
        self._loaded = 0.0
        self._judging = ""

    def body(self) -> ComposeResult:
        yield Line("", id="scan-funnel")
        yield Line("", id="scan-line")
        with Horizontal(id="scan-head"):
            yield Listing(say.REASON_COLUMNS, empty="nothing rejected", id="scan-reasons")
            yield Listing(say.LANGUAGE_COLUMNS, empty="–", id="scan-languages")
            yield Line("", id="scan-losses")
        yield TabLine(TABS, id="scan-tabs")
        yield VirtualTable(self._page, id="scan-files")
        yield FilterLine(FILTER_HINT, id="scan-filter")

    def on_mount(self) -> None:
        self.query_one(VirtualTable).focus()
        self.set_interval(RELOAD_S, self._reload_if_due)

    def draw(self, state: EngineState) -> None:
        """Show the counts at once and the files when they have changed."""
        scan = state.scan
        funnel = say.funnel(scan, self.size.width - 2) if scan else self._nothing(state)
        self.query_one("#scan-funnel", Line).update(funnel)
        line, tone = say.scan_line(scan, state.job(scan.job) if scan else None, self.size.width - 2)
        if self._judging:
            line, tone = f"◌ {self._judging}", "busy"
        said = self.query_one("#scan-line", Line)
        said.update(line)
        said.set_classes(tone)
        for part in ("#scan-head", "#scan-tabs", "#scan-files"):
            self.query_one(part).display = scan is not None
        self.query_one("#scan-reasons", Listing).show(say.reason_rows(scan))
        self.query_one("#scan-languages", Listing).show(say.language_rows(scan))
        self.losses()
        self._reload_if_due()

    @staticmethod
    def _nothing(state: EngineState) -> str:
        if not state.sources:
            return NO_SOURCES
        return NO_SCAN if any(source.state == "ready" for source in state.sources) else READING

    def losses(self) -> None:
        """Draw the histogram with the threshold where it stands, or will when the keys rest."""
        scan = self.state.scan
        box = self.query_one("#scan-losses", Line)
        width, height = box.size
        threshold = self.threshold or (scan.threshold if scan else 0.0)
        bars = say.histogram(scan.histogram, threshold, width, height - 1) if scan else []
        title = f"LOSS │ threshold {threshold:g} nats {press('scan.less')}" if scan else ""
        box.update("\n".join([title, *bars]) if bars else "")

    def judging(self, text: str) -> None:
        if text != self._judging:
            self._judging = text
            self.draw(self.state)

    def _reload_if_due(self) -> None:
        """Ask for the files again when the scan has moved on, at most every two seconds."""
        scan = self.state.scan
        if scan is None or not self.is_active:
            return
        now = (scan.id, scan.state, scan.accepted, scan.rejected, scan.ended, scan.threshold)
        ended = scan.state not in ("queued", "running")
        if now != self._seen and (ended or time.monotonic() - self._loaded >= RELOAD_S):
            keep = bool(self._seen) and self._seen[0] == scan.id
            self._seen, self._loaded = now, time.monotonic()
            self._show_files(keep=keep)

    @property
    def _verdict(self) -> wire.Verdict:
        return "accepted" if self.query_one(TabLine).open == TABS[0] else "rejected"

    def _show_files(self, keep: bool = False) -> None:
        verdict = self._verdict
        narrowed = self._narrowed()
        empty = f"No {verdict} file matches {narrowed}. esc clears it." if narrowed else f"No {verdict} files."
        self.query_one(VirtualTable).show(say.FILE_COLUMNS[verdict], empty, keep=keep)

    def _narrowed(self) -> str:
        """What the list is narrowed to, in words."""
        parts = [self.query_one(FilterLine).text]
        parts += [f"reason {clean(self._reason)}"] if self._reason else []
        parts += [clean(self._language)] if self._language else []
        return ", ".join(part for part in parts if part)

    async def _page(self, after: int | None, offset: int | None, limit: int) -> Page | None:
        try:
            found = await self.client.get(
                "/scan/files",
                wire.FilePage,
                verdict=self._verdict,
                reason=self._reason,
                language=self._language,
                text=self.query_one(FilterLine).text or None,
                limit=limit,
                after=after,
                offset=offset,
            )
        except EngineError as error:
            self.query_one(TabLine).say(clean(error.message))
            return None
        except EngineUnreachable:
            return None  # the status line says so; the list is asked for again when the link is back
        return Page([say.file_row(file) for file in found.rows], found.total, found.after)

    @on(VirtualTable.Scrolled)
    def _scrolled(self, event: VirtualTable.Scrolled) -> None:
        narrowed = self._narrowed()
        where = f"{words.count(event.first)}–{words.count(event.last)} of {words.count(event.total)}"
        self.query_one(TabLine).say(where + (f"  ({narrowed})" if narrowed else ""))

    @on(TabLine.Changed)
    def _another_tab(self) -> None:
        if self._verdict == "accepted":
            self._reason = None
        self._show_files()

    def action_tab(self, by: int) -> None:
        """Show the other files."""
        if self.state.scan is None:
            self.refuse(self._nothing(self.state))
        else:
            self.query_one(TabLine).step(by)

    @on(Listing.Opened, "#scan-reasons")
    def _only_reason(self, event: Listing.Opened) -> None:
        self._reason = event.key if event.key != self._reason else None
        self.query_one(TabLine).choose(TABS[1])
        self._show_files()
        self.query_one(VirtualTable).focus()

    @on(Listing.Opened, "#scan-languages")
    def _only_language(self, event: Listing.Opened) -> None:
        self._language = event.key if event.key != self._language else None
        self._show_files()
        self.query_one(VirtualTable).focus()

    @on(FilterLine.Changed)
    def _filtered(self) -> None:
        self._show_files()

    @on(FilterLine.Left)
    def _back_to_list(self) -> None:
        self.query_one(VirtualTable).focus()

    def action_filter(self) -> None:
        """Narrow the list by what is typed."""
        if self.state.scan is None:
            self.refuse(self._nothing(self.state))
        else:
            self.query_one(FilterLine).open()

    def action_back(self) -> None:
        """Undo the narrowing, last step first; then to the list."""
        if self.query_one(FilterLine).text:
            self.query_one(FilterLine).action_clear()
        elif self._reason or self._language:
            self._reason = self._language = None
            self._show_files()
        else:
            self.back_to(self.query_one(VirtualTable))

    @on(VirtualTable.Opened)
    def _open(self, event: VirtualTable.Opened) -> None:
        scan = self.state.scan
        if scan is not None:
            path = f"/scan/files/{event.key}"
            self.app.push_screen(FileDialog(lambda: self.client.get(path, wire.FilePreview), scan.threshold))

    @work
    async def action_copy(self) -> None:
        """Copy the path of the file under the cursor, as it is in its source."""
        table = self.query_one(VirtualTable)
        row = table.row(table.cursor) if self.state.scan is not None else None
        if row is None:
            self.refuse("There is no file under the cursor.")
            return
        found = await self.tried(self.client.get(f"/scan/files/{row.key}", wire.FilePreview))
        if found is not None:
            self.copy(found.file.path)

    @work
    async def action_new(self) -> None:
        """Scan everything that has been read."""
        state = self.state
        if not any(source.state == "ready" for source in state.sources):
            self.refuse(self._nothing(state) if state.scan is None else NO_SOURCES if not state.sources else READING)
        elif state.scan is not None and state.scan.state in ("queued", "running"):
            self.refuse(f"A scan is at work already; {press('scan.stop')} stops it.")
        else:
            self.call(self.client.post("/scan", wire.StartScan(), wire.Scan))

    def action_stop(self) -> None:
        """Stop the scan."""
        scan = self.state.scan
        if scan is None or scan.job is None or scan.state not in ("queued", "running"):
            self.refuse(f"No scan is at work; {press('scan.new')} starts one.")
        else:
            self.call(self.client.post(f"/jobs/{scan.job}/stop", None, wire.Job))
