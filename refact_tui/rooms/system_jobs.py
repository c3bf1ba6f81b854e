"""The Jobs tab of System: everything the engine does or has just done, whichever room began it."""

from textual import on, work
from textual.app import ComposeResult

from backend import wire
from refact_tui import words_of_jobs as say
from refact_tui.dialogs.confirm import Confirm
from refact_tui.rooms.pane import Pane
from refact_tui.state import ALIVE_JOBS, EngineState
from refact_tui.widgets.line import Line
from refact_tui.widgets.listing import Listing
from refact_tui.widgets.tabs import RuleLine


class JobsPane(Pane):
    """Shows and stops jobs."""

    def compose(self) -> ComposeResult:
        yield Listing(say.COLUMNS, empty=say.EMPTY, id="jobs-list")
        yield RuleLine(id="jobs-title")
        yield Line("", id="jobs-detail")

    def draw(self, state: EngineState) -> None:
        """Show the jobs."""
        self.query_one(Listing).show(say.job_rows(state.jobs, state.project))
        self._detail()

    @property
    def selected(self) -> wire.Job | None:
        """The job under the cursor."""
        key = self.query_one(Listing).key
        return self.room.state.job(int(key)) if key else None

    @on(Listing.Moved)
    def _detail(self) -> None:
        job = self.selected
        for part in ("#jobs-title", "#jobs-detail"):
            self.query_one(part).display = job is not None
        if job is not None:
            self.query_one(RuleLine).say(say.title(job, self.room.state.project))
            self.query_one("#jobs-detail", Line).say(say.job_lines(job, self.room.size.width - 2))

    def act_copy(self) -> None:
        """Copy what the job under the cursor does, or how it ended and what to do."""
        if (job := self.selected) is None:
            self.room.refuse("There is no job to copy anything of.")
        else:
            said = f"{job.message} {job.hint}".strip()
            self.room.copy(f"{say.title(job, self.room.state.project)}: {said or job.state}")

    @work
    async def act_stop(self) -> None:
        """Stop the job under the cursor; a run is asked about first."""
        job = self.selected
        if job is None:
            self.room.refuse("There is no job to stop.")
        elif job.state not in ALIVE_JOBS:
            self.room.refuse(f"{say.title(job)} is {job.state}: there is nothing to stop.")
        elif job.kind != "train" or await self.app.push_screen_wait(
            Confirm("Stop the run", say.stop_words(job), agree="Stop")
        ):
            self.room.call(self.room.client.post(f"/jobs/{job.id}/stop", None, wire.Job, timeout_s=60))
