"""What the Train room lets a person do with runs: plan, start, every night; stop, resume, rename, delete, undo."""

from urllib.parse import quote

from textual import work

from backend import wire
from refact_tui import words
from refact_tui import words_of_runs as say
from refact_tui.dialogs.confirm import Confirm
from refact_tui.dialogs.name import NameDialog
from refact_tui.dialogs.night import NightDialog
from refact_tui.dialogs.plan import PlanDialog
from refact_tui.registry import press
from refact_tui.rooms.undoing import Undoing
from refact_tui.signs import clean

NO_RUNS = f"No runs yet. Press {press('train.new')} to plan one: it says how long it will take before anything starts."
PATIENCE_S = 60.0


def path_of(run: str) -> str:
    """The route of a run, whatever its name holds."""
    return f"/train/runs/{quote(run, safe='')}"


class TrainChanges(Undoing):
    """Tells the engine; what came of it arrives as events."""

    def __init__(self) -> None:
        super().__init__()
        self.wanted = ""
        """Name of a run to put the cursor on when it appears."""
        self.lines: list[wire.LogLine] = []
        """The end of the log of the run under the cursor, where it has been read."""
        self.infos: list[wire.SettingInfo] = []
        """What may be set, once it has been asked for."""

    @property
    def selected(self) -> wire.Run | None:
        """The run under the cursor."""
        raise NotImplementedError

    def action_copy(self) -> None:
        """Copy the log of the run, as far as it is shown."""
        if self._chosen() is None:
            return
        if self.lines:
            self.copy("\n".join(f"{line.at} {line.level} {line.text}".strip() for line in self.lines), "The log.")
        else:
            self.refuse("No log of this run is shown.")

    def _chosen(self) -> wire.Run | None:
        """The run under the cursor; None where there is none, which has been said."""
        if self.selected is None:
            self.refuse(NO_RUNS)
        return self.selected

    @work
    async def action_new(self) -> None:
        """Plan a run and, if agreed, start it."""
        await self.learn_settings()
        run = await self.app.push_screen_wait(PlanDialog(self._ask_plan, self._start, self.infos, self._models()))
        if run is not None:
            self._go_to(run.run)

    def _models(self) -> list[str]:
        """What can be fine-tuned, the starter first."""
        return [model.name for model in self.state.models if "finetune" in model.supports]

    async def learn_settings(self) -> None:
        """Ask once what may be set."""
        if not self.infos:
            found = await self.tried(self.client.get("/train/settings", list[wire.SettingInfo]))
            self.infos = found or []

    async def _ask_plan(self, request: wire.StartRun) -> wire.Plan:
        return await self.client.post("/train/plan", request, wire.Plan, timeout_s=PATIENCE_S)

    async def _start(self, request: wire.StartRun) -> wire.Run:
        return await self.client.post("/train/runs", request, wire.Run, timeout_s=PATIENCE_S)

    def _go_to(self, run: str) -> None:
        self.wanted = run
        self.draw(self.state)

    @work
    async def action_stop(self) -> None:
        """Stop the selected run, which saves first."""
        run = self._chosen()
        if run is None:
            return
        if run.state not in say.ALIVE:
            self.refuse(f"{clean(run.run)} is not running.")
            return
        after = f"It saves first; {press('train.resume')} resumes it."
        text = f"Stop {clean(run.run)} at step {run.step} of {run.steps}? {after}"
        if await self.app.push_screen_wait(Confirm("Stop the run", text, agree="Stop")):
            await self._tell(run, "stop")

    @work
    async def action_resume(self) -> None:
        """Go on with a run that was stopped or has failed."""
        run = self._chosen()
        if run is None:
            return
        if run.state in (*say.ALIVE, "done"):
            self.refuse(f"{clean(run.run)} is {run.state}: there is nothing to resume.")
        else:
            await self._tell(run, "resume")

    async def _tell(self, run: wire.Run, what: str) -> None:
        await self.tried(self.client.post(f"{path_of(run.run)}/{what}", None, wire.Run, timeout_s=PATIENCE_S))

    @work
    async def action_rename(self) -> None:
        """Call the run, and with it its checkpoints, something else."""
        run = self._chosen()
        if run is None:
            return
        old = run.run
        new = await self.app.push_screen_wait(
            NameDialog(f"Rename {clean(old)}", old, lambda name: self._rename(old, name))
        )
        if new is not None:
            self.remember(f"{clean(old)} is called {clean(new)}", lambda: self._rename(new, old))
            self._go_to(new)

    async def _rename(self, run: str, name: str) -> wire.Run:
        return await self.client.post(f"{path_of(run)}/rename", wire.NewName(name=name), wire.Run)

    @work
    async def action_night(self) -> None:
        """Say when runs come by themselves."""
        now = await self.tried(self.client.get("/train/schedule", wire.Schedule))
        if now is None:
            return
        kept = await self.app.push_screen_wait(NightDialog(now, self._keep_nights))
        if kept is not None:
            self.remember("what is done every night", lambda: self._keep_nights(now))
            self.app.notify(clean(say.night_lines(kept)[0]), markup=False, timeout=6)

    async def _keep_nights(self, wanted: wire.Schedule) -> wire.Schedule:
        return await self.client.post("/train/schedule", wanted, wire.Schedule)

    @work
    async def action_delete(self) -> None:
        """Move the run with its checkpoints to the trash."""
        run = self._chosen()
        if run is None:
            return
        if run.state in say.ALIVE and run.state != "paused":
            self.refuse(f"{clean(run.run)} is {run.state}; {press('train.stop')} stops it first.")
            return
        points = [point for point in self.state.checkpoints if point.run == run.run]
        served = [host for host in self.state.serving if host.checkpoint in {point.id for point in points}]
        text = f"Move {clean(run.run)} and {words.plural(len(points), 'checkpoint')} of it to the trash?"
        if run.best_checkpoint is not None:
            text += f"\nIts best, {clean(run.best_checkpoint)}, goes with it."
        typed = run.best_checkpoint is not None
        await self.throw("run", run.run, path_of(run.run), text, served=served, typed=typed)
