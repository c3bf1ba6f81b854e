"""What the Checkpoints room lets a person do besides serving: compare, export, pin, copy the path, delete, undo."""

from urllib.parse import quote

from textual import work

from backend import wire
from refact_tui import words_of_checkpoints as say
from refact_tui.dialogs.compare import SAMPLE, CompareDialog, Side
from refact_tui.dialogs.export import ExportDialog
from refact_tui.registry import press
from refact_tui.rooms.undoing import Undoing
from refact_tui.signs import clean
from refact_tui.state import EngineState
from refact_tui.widgets.listing import Listing

NO_HOST = f"No model is hosted yet, so there is nothing to switch. System ({press('frame.system')}) says why."
NO_POINT = "Put the cursor on a checkpoint first."
NO_PAIR = (
    "Put the cursor on a checkpoint: it is compared with the base, or with what "
    f"{press('checkpoints.mark')} has marked."
)
PATIENCE_S = 60.0
BOTH = 2


def path_of(name: str) -> str:
    """The route of a checkpoint."""
    return f"/checkpoints/{quote(name, safe='')}"


class CheckpointChanges(Undoing):
    """Asks the engine, and follows the exports that were begun here."""

    def __init__(self) -> None:
        super().__init__()
        self._code = SAMPLE
        self._exports: dict[int, tuple[str, wire.Exported]] = {}
        """Checkpoint and folder by the number of the job that is at work on it."""
        self.exported: dict[str, str] = {}
        """Folders by the checkpoint that was exported to them."""

    @property
    def selected(self) -> wire.Checkpoint | None:
        """The checkpoint under the cursor; None on the base row and where there is none."""
        raise NotImplementedError

    @property
    def serving(self) -> wire.Serving | None:
        """What the model of the selected checkpoint answers with."""
        raise NotImplementedError

    def say(self, text: str, failed: bool = False) -> None:
        """Tell what came of something."""
        raise NotImplementedError

    def action_mark(self) -> None:
        """Mark what is under the cursor: two that are marked are compared with each other."""
        listing = self.query_one("#points-list", Listing)
        key, marked = listing.key, listing.marked
        if key is None:
            self.refuse(NO_POINT)
        elif key in marked:
            listing.mark(*(one for one in marked if one != key))
        elif len(marked) < BOTH:
            listing.mark(*marked, key)
        else:
            back = f"{press('checkpoints.mark')} on one of them takes it back"
            self.refuse(f"{clean(marked[0])} and {clean(marked[1])} are marked; {back}.")

    @work
    async def action_compare(self) -> None:
        """Complete the same code with two: the marked ones, or what is under the cursor and the base model."""
        if self.serving is None:
            self.refuse(NO_HOST)
            return
        pair = self._pair()
        if pair is None:
            self.refuse(NO_PAIR)
            return
        points = [self._point(key) for key in pair]
        tuned = [point for point in points if point is not None]

        def side(key: str, point: wire.Checkpoint | None) -> Side:
            return key, f"{(point or tuned[-1]).model}:{key}"

        async def places() -> list[wire.HeldOutPlace]:
            run, others = tuned[-1].run, {point.run for point in tuned} - {tuned[-1].run}
            path = f"/train/runs/{quote(run, safe='')}/places"
            beside = min(others, default=None)
            return await self.client.get(path, list[wire.HeldOutPlace], beside=beside)

        left, right = (side(key, point) for key, point in zip(pair, points, strict=True))
        self._code = await self.app.push_screen_wait(CompareDialog(self._complete, places, left, right, self._code))

    def _pair(self) -> tuple[str, str] | None:
        """What is compared: keys of two rows, of which one at least is no base."""
        listing = self.query_one("#points-list", Listing)
        keys = list(listing.marked)
        if len(keys) < BOTH and listing.key is not None and listing.key not in keys:
            keys.append(listing.key)
        if len(keys) == 1 and keys[0] != say.BASE:
            keys.insert(0, say.BASE)
        return (keys[0], keys[1]) if len(keys) == BOTH else None

    def _point(self, key: str) -> wire.Checkpoint | None:
        return next((point for point in self.state.checkpoints if point.id == key), None)

    async def _complete(self, request: wire.Complete) -> wire.Completion:
        return await self.client.post("/complete", request, wire.Completion, timeout_s=PATIENCE_S)

    @work
    async def action_export(self) -> None:
        """Write the checkpoint to a folder of this box."""
        point = self.selected
        if point is None:
            self.refuse(NO_POINT)
            return
        dialog = ExportDialog(point, self.face.paths.home / "exports", lambda wanted: self._export(point, wanted))
        begun = await self.app.push_screen_wait(dialog)
        if begun is not None:
            self._exports[begun.job] = (point.id, begun)
            self.say(f"exporting {clean(point.id)} to {clean(begun.path)}…")
            self.follow_exports(self.state)

    async def _export(self, point: wire.Checkpoint, wanted: wire.Export) -> wire.Exported:
        return await self.client.post(f"{path_of(point.id)}/export", wanted, wire.Exported, timeout_s=PATIENCE_S)

    def follow_exports(self, state: EngineState) -> None:
        """Tell of the exports that have ended."""
        for number, (name, begun) in list(self._exports.items()):
            job = state.job(number)
            if job is None or job.state in ("queued", "running"):
                continue
            del self._exports[number]
            if job.state == "done":
                self.exported[name] = begun.path
                where = f"✓ {clean(name)} is in {clean(begun.path)}"
                self.say(f"{where}; {press('checkpoints.copy')} copies the path, its README.md says how to load it")
            else:
                self.say(f"✗ export of {clean(name)}: {clean(f'{job.message} {job.hint}'.strip())}", failed=True)

    def action_copy(self) -> None:
        """Copy where the checkpoint was exported to, or else where it lies."""
        point = self.selected
        if point is None:
            self.refuse(NO_POINT)
            return
        self.copy(self.exported.get(point.id, point.path))

    @work(group="change")
    async def action_pin(self) -> None:
        """Keep the checkpoint whatever its loss, or let it be pruned again."""
        point = self.selected
        if point is None:
            self.refuse("The base model is always kept." if self.state.checkpoints else NO_POINT)
        elif await self.tried(self._pin(point.id, not point.pinned)) is not None:
            what = "pinned" if not point.pinned else "no longer pinned"
            self.remember(f"{clean(point.id)} is {what}", lambda: self._pin(point.id, point.pinned))
            self.say(f"{clean(point.id)} is {what}")

    async def _pin(self, name: str, pinned: bool) -> wire.Checkpoint:
        return await self.client.post(f"{path_of(name)}/pin", wire.Pin(pinned=pinned), wire.Checkpoint)

    @work
    async def action_delete(self) -> None:
        """Move the checkpoint to the trash."""
        point = self.selected
        if point is None:
            self.refuse("The base model cannot be deleted." if self.state.checkpoints else NO_POINT)
            return
        run = next((run for run in self.state.runs if run.run == point.run), None)
        if run is not None and run.state not in ("done", "stopped", "paused", "failed"):
            way = f"{press('frame.train')}, then {press('train.stop')}"
            self.refuse(f"{clean(run.run)} is {run.state}; stop it first: {way}.")
            return
        served = [host for host in self.state.serving if host.checkpoint == point.id]
        text = f"Move {clean(point.id)} to the trash?"
        if point.best:
            text += " It is the best of its run; the next best takes its place."
        await self.throw("checkpoint", point.id, path_of(point.id), text, served=served, typed=point.best)
