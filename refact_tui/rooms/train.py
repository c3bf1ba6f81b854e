"""The Train room: the runs, and of the one under the cursor its plot, its numbers, and everything that is known."""

import math
from typing import Any

from textual import on, work
from textual.app import ComposeResult
from textual.containers import Horizontal, Vertical
from textual.widgets import ContentSwitcher

from backend import wire
from refact_tui import chart
from refact_tui import words_of_runs as say
from refact_tui import words_of_settings as settings
from refact_tui.client import EngineError, EngineUnreachable
from refact_tui.dialogs.file import FileDialog
from refact_tui.registry import press
from refact_tui.rooms.train_changes import NO_RUNS, TrainChanges, path_of
from refact_tui.signs import clean
from refact_tui.state import EngineState
from refact_tui.widgets.line import Line
from refact_tui.widgets.listing import Listing
from refact_tui.widgets.loss_plot import LossPlot
from refact_tui.widgets.reading import Reading
from refact_tui.widgets.run_files import RunFiles
from refact_tui.widgets.tabs import RuleLine, TabLine
from refact_tui.widgets.virtual_table import VirtualTable
from refact_tui.words_of_checkpoints import CHECKPOINT_COLUMNS, checkpoint_rows

NO_SCAN = (
    f"No runs yet, and nothing to train on: add code ({press('frame.sources')}), then scan it ({press('frame.scan')})."
)
NO_VERDICT = (
    "When the run ends, the base model and its best checkpoint complete places in code that it was not trained on."
)
TABS = {
    "Log": "train-log",
    "Checkpoints": "train-checkpoints",
    "Settings": "train-settings",
    "Files": "train-files",
    "Held-out": "train-verdicts",
}
WIDE = 150
"""Columns from which the held-out results stand beside the pane."""
ASIDE = 86
"""Columns of it."""
LOG_LINES = 200
FOLLOW_S = 1.0


class TrainRoom(TrainChanges):
    """Shows whether runs get better, and two of them side by side."""

    def __init__(self) -> None:
        super().__init__()
        self._metrics: dict[str, list[wire.Metric]] = {}
        self._known: dict[str, tuple[tuple[object, ...], chart.Curves]] = {}
        """Curves by run, each with what they were made of."""
        self._fetched: tuple[object, ...] | None = None

    def body(self) -> ComposeResult:
        yield Listing(say.RUN_COLUMNS, empty=NO_RUNS, id="train-runs")
        with Vertical(id="train-body"):
            yield RuleLine(note=chart.legend(), id="train-title")
            yield LossPlot(id="train-plot")
            yield Line("", id="train-line")
            yield Line("", id="train-verdict")
            yield TabLine(tuple(TABS), id="train-tabs")
            with Horizontal(id="train-lower"):
                with ContentSwitcher(initial="train-log", id="train-pane"):
                    yield Reading(id="train-log")
                    yield Listing(CHECKPOINT_COLUMNS, empty="No checkpoint yet.", id="train-checkpoints")
                    yield Reading(id="train-settings")
                    yield RunFiles(self._files, id="train-files")
                    yield Reading(id="train-verdicts")
                yield Reading(id="train-aside")

    def on_mount(self) -> None:
        self.set_interval(FOLLOW_S, self._follow)

    def draw(self, state: EngineState) -> None:
        """Show what is known now; what has to be asked for follows on its own, at most once a second."""
        runs = self.query_one("#train-runs", Listing)
        scanned = state.scan is not None and state.scan.accepted > 0
        runs.show(say.run_rows(state.runs), empty=NO_RUNS if scanned else NO_SCAN)
        if any(run.run == self.wanted for run in state.runs):
            runs.select(self.wanted)
            self.wanted = ""
        run = self.selected
        self.query_one("#train-body").display = run is not None
        if run is None:
            return
        self._numbers(run)
        self._plot(run)
        self._pane(run)

    @property
    def selected(self) -> wire.Run | None:
        """The run under the cursor."""
        return self._run(self.query_one("#train-runs", Listing).key)

    @property
    def beside(self) -> wire.Run | None:
        """The marked run, where another one is under the cursor."""
        listing = self.query_one("#train-runs", Listing)
        marked = listing.marked[0] if listing.marked else None
        return self._run(marked) if marked != listing.key else None

    def _run(self, name: str | None) -> wire.Run | None:
        return next((run for run in self.state.runs if run.run == name), None)

    def _numbers(self, run: wire.Run) -> None:
        """The words around the plot."""
        other, width = self.beside, self.size.width - 2
        title, note = clean(run.run), chart.legend(self.face.glyphs.level)
        line, verdict = say.run_line(run, width, self.state.job(run.job)), say.verdict_line(run)
        if other is not None:
            title = f"▪ {title} ⟷ ▫ {clean(other.run)}"
            note = settings.not_comparable(run, other) or "test loss, best ★"
            line, verdict = settings.compared(run, other)
        self.query_one("#train-title", RuleLine).say(title, note)
        self.query_one("#train-line", Line).update(line)
        said = self.query_one("#train-verdict", Line)
        said.update(verdict)
        said.set_class(bool(verdict), "shown")
        said.set_class(other is not None, "muted")
        said.set_class(other is None and say.is_worse(run), "alarm")

    def _plot(self, run: wire.Run) -> None:
        other = self.beside
        curves = self._curves(run)
        if other is not None:
            curves = chart.beside(curves, self._curves(other))
        # Curves that have just come are drawn at once: they are another picture.
        what = f"{run.run} {other.run if other else ''} {bool(curves.test)} {bool(curves.beside)}"
        self.query_one("#train-plot", LossPlot).show(what, curves, self.face.glyphs.level)

    def _curves(self, run: wire.Run) -> chart.Curves:
        served = next((point.step for point in self.state.checkpoints if point.run == run.run and point.served), None)
        made_of = (self._metrics.get(run.run), run.steps, run.test_loss.base, served)
        if run.run not in self._known or self._known[run.run][0] != made_of:
            curves = chart.curves_of(self._metrics.get(run.run, ()), run.steps, run.test_loss.base, served)
            self._known[run.run] = (made_of, curves)
        return self._known[run.run][1]

    def _pane(self, run: wire.Run) -> None:
        """What the open tab and the pane beside it say of the run; a tab nobody sees is not drawn."""
        tabs, width = self.query_one("#train-tabs", TabLine), self.size.width
        found = run.evaluation
        aside = self.query_one("#train-aside", Reading)
        aside.display = width >= WIDE and found is not None and tabs.open in ("Log", "Settings")
        self.query_one("#train-body").set_class(tabs.open != "Log", "reading")
        note = ""
        if aside.display or tabs.open == "Held-out":
            verdicts = "\n".join(say.evaluation_lines(found)) if found else NO_VERDICT
            (aside if aside.display else self.query_one("#train-verdicts", Reading)).say(verdicts)
        if tabs.open == "Settings":
            across = width - 4 - (ASIDE if aside.display else 0)
            lines = say.origin_lines(run) + settings.described(run.settings, run.overridden, self.infos, across)
            self.query_one("#train-settings", Reading).say("\n".join(lines))
            note = f"{settings.OWN} chosen by hand" if run.overridden else ""
        elif tabs.open == "Checkpoints":
            points = [point for point in self.state.checkpoints if point.run == run.run]
            self.query_one("#train-checkpoints", Listing).show(checkpoint_rows(points, self.state.runs, None))
        elif tabs.open == "Files":
            files = self.query_one(RunFiles)
            files.show(run.run)
            note = files.said
        tabs.say(note)

    def _follow(self) -> None:
        """Fetch what the events do not carry, when there is news of the runs shown and the room is seen."""
        run, other = self.selected, self.beside
        news = tuple((one.run, one.step, one.state) for one in (run, other) if one is not None)
        if run is not None and self.is_active and news != self._fetched:
            self._fetched = news
            self._fetch(run, other)

    @work(exclusive=True, group="train-fetch")
    async def _fetch(self, run: wire.Run, other: wire.Run | None) -> None:
        try:
            for one in (run, other):
                if one is not None:
                    await self._measured(one)
            self._plot(run)
            if self.query_one("#train-tabs", TabLine).open == "Log":
                lines = await self.client.get(f"{path_of(run.run)}/log", list[wire.LogLine])
                self.lines = lines[-LOG_LINES:]
                text = "\n".join(say.log_line(line) for line in self.lines)
                self.query_one("#train-log", Reading).say(text, follow=True)
        except (EngineError, EngineUnreachable):
            self._fetched = None  # the status line says what is wrong; the next second tries again

    async def _measured(self, run: wire.Run) -> None:
        """Ask for what the run has measured since it was asked last; of one that went back, for everything."""
        known = self._metrics.get(run.run, [])
        # Of the newest step the test loss may have been missing.
        after = known[-1].step - 1 if known and known[-1].step <= run.step else -1
        found = await self.client.get(f"{path_of(run.run)}/metrics", list[wire.Metric], after=after)
        kept = [one for one in known if one.step <= after]
        self._metrics[run.run] = [*kept, *(one for one in found if one.step > after)]

    @on(Listing.Moved, "#train-runs")
    def _another_run(self) -> None:
        self._fetched, self.lines = None, []
        self.draw(self.state)
        self._follow()

    @on(Listing.Opened, "#train-runs")
    def _into_pane(self) -> None:
        self.screen.focus_next()

    @on(TabLine.Changed, "#train-tabs")
    async def _another_tab(self, event: TabLine.Changed) -> None:
        self.query_one("#train-pane", ContentSwitcher).current = TABS[event.tab]
        if event.tab == "Settings":
            await self.learn_settings()
        if self.selected is not None:
            self._pane(self.selected)
        if event.tab == "Log":
            self._fetched = None
            self._follow()

    def action_tab(self, by: int) -> None:
        """Open the next or the previous tab of the pane."""
        if self._chosen() is not None:
            self.query_one("#train-tabs", TabLine).step(by)

    def action_log(self) -> None:
        """Open the log of the run."""
        tabs = self.query_one("#train-tabs", TabLine)
        if self._chosen() is None:
            return
        if tabs.open == "Log":
            self.refuse("The log is open already, below the plot.")
        tabs.choose("Log")

    def action_mark(self) -> None:
        """Mark the run under the cursor: whatever the cursor moves to is shown beside it."""
        listing = self.query_one("#train-runs", Listing)
        if listing.key is None:
            self.refuse(NO_RUNS)
        else:
            self._mark("" if listing.key in listing.marked else listing.key)

    def action_compare(self) -> None:
        """Show the run under the cursor beside the marked one, or else the one before it; again: alone."""
        listing = self.query_one("#train-runs", Listing)
        keys = [row.key for row in listing.rows]
        if self.beside is not None:
            self._mark("")
        elif len(keys) < 2:
            self.refuse(f"Two runs are needed to compare; {press('train.new')} plans one.")
        else:
            at = keys.index(listing.key) if listing.key in keys else 0
            self._mark(keys[at + 1] if at + 1 < len(keys) else keys[at - 1])

    def _mark(self, key: str) -> None:
        self.query_one("#train-runs", Listing).mark(*([key] if key else []))
        self.draw(self.state)
        self._follow()

    async def _files(self, run: str, query: dict[str, Any]) -> wire.TaughtPage:
        return await self.client.get(f"{path_of(run)}/files", wire.TaughtPage, **query)

    @on(RunFiles.Said)
    def _said(self, event: RunFiles.Said) -> None:
        tabs = self.query_one("#train-tabs", TabLine)
        if tabs.open == "Files":
            tabs.say(event.text)

    @on(VirtualTable.Opened)
    def _open(self, event: VirtualTable.Opened) -> None:
        run, scan = self.selected, self.state.scan
        if run is not None:
            path = f"{path_of(run.run)}/files/{event.key}"
            limit = scan.threshold if scan else math.inf
            self.app.push_screen(FileDialog(lambda: self.client.get(path, wire.FilePreview), limit))

    def action_filter(self) -> None:
        """Narrow the list of the run's files by what is typed."""
        if self._chosen() is not None:
            self.query_one("#train-tabs", TabLine).choose("Files")
            self.query_one(RunFiles).open_filter()

    def action_back(self) -> None:
        """Undo the narrowing of the files, then the comparison; then to the runs."""
        if self.query_one(RunFiles).clear_filter():
            return
        runs = self.query_one("#train-runs", Listing)
        if self.beside is not None and runs.has_focus:
            self._mark("")
        else:
            self.back_to(runs)
