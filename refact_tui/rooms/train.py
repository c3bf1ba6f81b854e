"""The Train room: the runs, and of the one under the cursor its plot, its numbers, log, checkpoints and settings."""

from urllib.parse import quote

from textual import on, work
from textual.app import ComposeResult
from textual.containers import Vertical, VerticalScroll
from textual.widgets import ContentSwitcher

from backend import wire
from refact_tui import words_of_runs as say
from refact_tui.chart import curves_of
from refact_tui.client import EngineError, EngineUnreachable
from refact_tui.dialogs.confirm import Confirm
from refact_tui.dialogs.plan import PlanDialog
from refact_tui.rooms.room import Room
from refact_tui.signs import clean
from refact_tui.state import EngineState
from refact_tui.widgets.line import Line
from refact_tui.widgets.listing import Listing
from refact_tui.widgets.loss_plot import LossPlot
from refact_tui.widgets.tabs import RuleLine, TabLine
from refact_tui.words_of_checkpoints import CHECKPOINT_COLUMNS, checkpoint_rows

NO_RUNS = "No runs yet. Press n to plan one: it says how long it will take before anything starts."
NO_SCAN = "No runs yet, and nothing to train on: add code (1), then scan it (2)."
LEGEND = "train ─  test ▪  best ★  base ┈"


class TrainRoom(Room):
    """Plans, starts, stops and resumes runs, and shows whether they get better."""

    def __init__(self) -> None:
        super().__init__()
        self._metrics: dict[str, list[wire.Metric]] = {}
        self._fetched: tuple[str, int, str] | None = None
        self._wanted = ""

    def body(self) -> ComposeResult:
        yield Listing(say.RUN_COLUMNS, empty=NO_RUNS, id="train-runs")
        with Vertical(id="train-body"):
            yield RuleLine(note=LEGEND, id="train-title")
            yield LossPlot(id="train-plot")
            yield Line("", id="train-line")
            yield Line("", id="train-verdict")
            yield TabLine(("Log", "Checkpoints", "Settings"), id="train-tabs")
            with ContentSwitcher(initial="train-log", id="train-pane"):
                with VerticalScroll(id="train-log"):
                    yield Line("", id="train-log-text")
                yield Listing(CHECKPOINT_COLUMNS, empty="No checkpoint yet.", id="train-checkpoints")
                with VerticalScroll(id="train-settings"):
                    yield Line("", id="train-settings-text")

    def draw(self, state: EngineState) -> None:
        """Show what is known now; the pane's text follows on its own, at most once a second."""
        runs = self.query_one("#train-runs", Listing)
        scanned = state.scan is not None and state.scan.accepted > 0
        runs.show(say.run_rows(state.runs), empty=NO_RUNS if scanned else NO_SCAN)
        if any(run.run == self._wanted for run in state.runs):
            runs.select(self._wanted)
            self._wanted = ""
        run = self.selected
        body = self.query_one("#train-body")
        body.display = run is not None
        if run is None:
            return
        self.query_one("#train-title", RuleLine).say(clean(run.run))
        self.query_one("#train-line", Line).update(say.run_line(run, self.size.width - 2))
        verdict = self.query_one("#train-verdict", Line)
        verdict.update(say.verdict_line(run))
        verdict.set_class(run.evaluation is not None, "shown")
        points = [point for point in state.checkpoints if point.run == run.run]
        self.query_one("#train-checkpoints", Listing).show(checkpoint_rows(points, state.runs, None))
        self.query_one("#train-settings-text", Line).update("\n".join(say.settings_lines(run.settings)))
        self._plot(run)

    @property
    def selected(self) -> wire.Run | None:
        """The run under the cursor."""
        key = self.query_one("#train-runs", Listing).key
        return next((run for run in self.state.runs if run.run == key), None)

    def on_mount(self) -> None:
        self.set_interval(1.0, self._follow)

    def _plot(self, run: wire.Run) -> None:
        curves = curves_of(self._metrics.get(run.run, ()), run.steps, run.test_loss.base)
        self.query_one("#train-plot", LossPlot).show(run.run, curves)

    def _follow(self) -> None:
        """Fetch what the events do not carry, when there is news of the selected run and the room is seen."""
        run = self.selected
        if run is not None and self.is_active and (run.run, run.step, run.state) != self._fetched:
            self._fetched = (run.run, run.step, run.state)
            self._fetch(run)

    @work(exclusive=True, group="train-fetch")
    async def _fetch(self, run: wire.Run) -> None:
        path = f"/train/runs/{quote(run.run, safe='')}"
        try:
            self._metrics[run.run] = await self.client.get(f"{path}/metrics", list[wire.Metric])
            lines = await self.client.get(f"{path}/log", list[wire.LogLine])
        except (EngineError, EngineUnreachable):
            self._fetched = None  # the status line says what is wrong; the next second tries again
            return
        self._plot(run)
        box = self.query_one("#train-log", VerticalScroll)
        at_end = box.scroll_offset.y >= box.max_scroll_y
        self.query_one("#train-log-text", Line).update("\n".join(say.log_line(line) for line in lines[-200:]))
        if at_end:
            box.scroll_end(animate=False)

    @on(Listing.Moved, "#train-runs")
    def _another_run(self) -> None:
        self._fetched = None
        self.draw(self.state)
        self._follow()

    @on(Listing.Opened, "#train-runs")
    def _into_pane(self) -> None:
        self.screen.focus_next()

    @on(TabLine.Changed, "#train-tabs")
    def _another_tab(self, event: TabLine.Changed) -> None:
        self.query_one("#train-pane", ContentSwitcher).current = f"train-{event.tab.lower()}"

    def action_tab(self, by: int) -> None:
        """Open the next or the previous tab of the pane."""
        self.query_one("#train-tabs", TabLine).step(by)

    def action_log(self) -> None:
        """Open the log of the run."""
        self.query_one("#train-tabs", TabLine).choose("Log")

    @work
    async def action_new(self) -> None:
        """Plan a run and, if agreed, start it."""
        request = await self.app.push_screen_wait(PlanDialog(self._ask_plan))
        if request is None:
            return
        try:
            run = await self.client.post("/train/runs", request, wire.Run, timeout_s=60)
        except (EngineError, EngineUnreachable) as error:
            self.fail(error)
        else:
            self._wanted = run.run
            self.draw(self.state)

    async def _ask_plan(self, request: wire.StartRun) -> wire.Plan:
        return await self.client.post("/train/plan", request, wire.Plan, timeout_s=60)

    @work
    async def action_stop(self) -> None:
        """Stop the selected run, which saves first."""
        run = self.selected
        if run is None or run.state not in say.ALIVE:
            self.refuse(f"{clean(run.run)} is not running." if run else NO_RUNS)
            return
        text = f"Stop {clean(run.run)} at step {run.step} of {run.steps}? It saves first; R resumes it."
        if await self.app.push_screen_wait(Confirm("Stop the run", text, agree="Stop")):
            await self._tell(run, "stop")

    @work
    async def action_resume(self) -> None:
        """Go on with a run that was stopped or has failed."""
        run = self.selected
        if run is None or run.state in (*say.ALIVE, "done"):
            self.refuse(f"{clean(run.run)} is {run.state}: there is nothing to resume." if run else NO_RUNS)
        else:
            await self._tell(run, "resume")

    async def _tell(self, run: wire.Run, what: str) -> None:
        try:
            await self.client.post(f"/train/runs/{quote(run.run, safe='')}/{what}", None, wire.Run, timeout_s=60)
        except (EngineError, EngineUnreachable) as error:
            self.fail(error)
