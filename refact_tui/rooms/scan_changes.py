"""What the Scan room lets a person change: the threshold, languages, masks, and single files; each can be undone."""

import asyncio
from typing import Any

import msgspec
from textual import work

from backend import wire
from refact_tui import words
from refact_tui.dialogs.masks import MasksDialog
from refact_tui.registry import press
from refact_tui.rooms.undoing import T, Undoing
from refact_tui.signs import clean
from refact_tui.widgets.listing import Listing
from refact_tui.widgets.virtual_table import VirtualTable
from refact_tui.widgets.waiting import waiting

STEP = 0.1
"""Nats that one press moves the threshold."""
WAIT_S = 0.25
"""After the last press the engine is told."""
PATIENCE_S = 600.0
NO_SCAN = f"There is nothing to change before the first scan; {press('scan.new')} starts one."
NO_LOSS = f"There is no loss to compare with: scan with the model first ({press('scan.new')})."


class ScanChanges(Undoing):
    """Sends changes to the engine and remembers how to take them back."""

    def __init__(self) -> None:
        super().__init__()
        self.threshold: float | None = None
        """Where the marker stands while the engine has not been told yet."""

    def losses(self) -> None:
        """Draw the histogram."""
        raise NotImplementedError

    def judging(self, text: str) -> None:
        """Say that the files are judged anew, or nothing."""
        raise NotImplementedError

    def action_threshold(self, by: int) -> None:
        """Move the loss above which files are rejected."""
        scan = self.state.scan
        if scan is None or scan.stage == 1:
            self.refuse(NO_LOSS if scan else NO_SCAN)
            return
        self.threshold = round(max(STEP, (self.threshold or scan.threshold) + by * STEP), 1)
        self.losses()
        self._send_threshold()

    @work(exclusive=True, group="threshold")
    async def _send_threshold(self) -> None:
        await asyncio.sleep(WAIT_S)
        wanted = self.threshold
        await self._change(f"threshold {wanted:g}", threshold=wanted)
        self.threshold = None
        self.losses()

    def action_mark(self) -> None:
        """Mark the file under the cursor, or switch the language."""
        table = self.query_one(VirtualTable)
        if table.has_focus and table.chosen():
            table.mark()
            return
        listing = self.query_one("#scan-languages", Listing)
        switch = next((one for one in self._switches() if one.language == listing.key), None)
        if not listing.has_focus or switch is None:
            self.refuse(f"{self.registry.face('scan.mark')} marks a file, or switches the language under the cursor.")
        else:
            self._switch(switch)

    def _switches(self) -> list[wire.LanguageCount]:
        return self.state.scan.switches if self.state.scan else []

    @work(group="change")
    async def _switch(self, switch: wire.LanguageCount) -> None:
        now = await self._settings()
        if now is None:
            return
        name = switch.language
        on = [one for one in now.languages_on if one != name] + ([] if switch.on else [name])
        off = [one for one in now.languages_off if one != name] + ([name] if switch.on else [])
        await self._change(f"{clean(name)} {'off' if switch.on else 'on'}", languages_on=on, languages_off=off)

    @work
    async def action_masks(self) -> None:
        """Edit the masks."""
        now = await self._settings()
        if now is None:
            return
        found = await self.app.push_screen_wait(MasksDialog(now.include, now.exclude, self._touched))
        if found is not None:
            await self._change("the masks", include=found[0], exclude=found[1])

    async def _touched(self, patterns: list[str]) -> wire.Touched:
        return await self.client.post("/scan/touched", {"patterns": patterns}, wire.Touched, timeout_s=60)

    @work(group="change")
    async def action_by_hand(self, what: str) -> None:
        """Include or exclude the marked files, or the one under the cursor."""
        table = self.query_one(VirtualTable)
        ids = [int(key) for key in table.chosen()]
        if not ids:
            self.refuse("There is no file under the cursor.")
            return
        done = await self.tried(self._by_hand(what, ids))
        if done is None:
            return
        table.unmark()
        if done.changed:
            told = f"{words.plural(len(done.changed), 'file')} {what}d by hand"
            self.remember(told, lambda: self._back_by_hand(done))
            self.app.notify(f"{told}; {press('scan.undo')} undoes", markup=False, timeout=4)
        if done.refused:
            more = f" (and {len(done.refused) - 1} more)" if len(done.refused) > 1 else ""
            self.refuse(clean(done.refused[0]) + more)

    async def _by_hand(self, what: str, ids: list[int]) -> wire.ByHandDone:
        return await self._judged("/scan/by-hand", {"what": what, "ids": ids}, wire.ByHandDone)

    async def _back_by_hand(self, done: wire.ByHandDone) -> None:
        """What was decided of each file before."""
        before = done.before or ["auto"] * len(done.changed)
        for what in sorted(set(before)):
            ids = [id_ for id_, was in zip(done.changed, before, strict=True) if was == what]
            await self._by_hand(what, ids)

    async def _settings(self) -> wire.ScanSettings | None:
        return await self.tried(self.client.get("/scan/settings", wire.ScanSettings))

    async def _change(self, what: str, **changes: Any) -> None:
        """Keep other settings, and remember those before."""
        before = await self._settings()
        if before is None:
            return
        if await self.tried(self._keep(msgspec.structs.replace(before, **changes))) is not None:
            old = {name: getattr(before, name) for name in changes}
            self.remember(what, lambda: self._back_to(old))

    async def _keep(self, wanted: wire.ScanSettings) -> bool:
        await self._judged("/scan/settings", wanted, Any)
        return True

    async def _judged(self, path: str, body: Any, kind: type[T]) -> T:
        try:
            with waiting(self, "judging the files anew…", self.judging, at_once=False):
                return await self.client.post(path, body, kind, timeout_s=PATIENCE_S)
        finally:
            self.judging("")

    async def _back_to(self, old: dict[str, Any]) -> None:
        """What else was changed since, by whomever, stays."""
        now = await self.client.get("/scan/settings", wire.ScanSettings)
        await self._keep(msgspec.structs.replace(now, **old))
