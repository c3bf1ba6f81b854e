"""Follows one run: starts its trainer, reads its journal into the database, and raises it again when it dies."""

import asyncio
import json
import shutil
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from backend import wire
from backend.context import Context
from backend.errors import RefactError
from backend.jobs import journal
from backend.jobs.process import Child
from backend.jobs.queue import JobHandle
from backend.jobs.states import Stopped
from backend.store.database import now
from backend.train import beside, made, records
from backend.train.job import FULL_DISK, Folder
from backend.train.launch import adopted, launch

POLL_S = 0.2
SHOW_S = 0.25
BACK_OFF_S = (1.0, 5.0, 20.0)
"""Waits before a trainer that died is raised again; as many times in a row as there are waits."""
FULL_BELOW = 1_000_000
"""Bytes."""
FULL = "The disk is full: the run could not be saved. The last good checkpoint is kept."


class Follower:
    """The engine's half of a living run."""

    def __init__(self, ctx: Context, run: str) -> None:
        self.ctx, self.run = ctx, run
        self.folder = Folder(ctx.paths.runs / run)
        self.child: Child | None = None
        self.leaving = False
        """The engine is going down: the trainer saves, and the run goes on with the next engine."""
        self._reading = asyncio.Lock()
        self._shown_at = 0.0
        self._ending: dict[str, Any] | None = None
        self._counted: tuple[int, int] | None = None
        """Passes through the model of how many, while it only measures."""
        self._phase_began = 0.0

    async def work(self, handle: JobHandle) -> None:
        """The run's job: returns when it is done. Raises Stopped, or RefactError with why it failed or paused."""
        row = await records.row_of(self.ctx, self.run)
        await self.drain(handle)
        if row["pid"]:
            self.child = adopted(self.folder, row["pid"], row["pid_started"])
        if self.child:
            await beside.pause(self.ctx, self.run)
        deaths, reached = 0, row["step"] or 0
        while not (ending := await self._ended()):
            if self.leaving:
                await asyncio.Event().wait()
            if self.child is None:
                await beside.make_room(self.ctx, self.run, handle)
                if handle.stop_requested.is_set():
                    await records.change(self.ctx, self.run, wanted="stopped")
                    continue
                await self._spawn()
            code = await self._watch(handle)
            if await self._ended() or self.leaving:
                continue
            step = (await records.row_of(self.ctx, self.run))["step"] or 0
            deaths, reached = (1 if step > reached else deaths + 1), max(step, reached)
            await self._died(code, deaths, step, handle)
        await self._finish(ending)

    async def stop(self) -> None:
        """Ask the trainer to save and end."""
        if self.child:
            self.child.ask_to_end()

    async def drain(self, handle: JobHandle | None = None) -> None:
        """Take over everything that the journal says by now."""
        async with self._reading:
            row = await records.row_of(self.ctx, self.run)
            before = row["journal_offset"] or 0
            lines, offset = await asyncio.to_thread(journal.read, self.folder.journal, before)
            if not lines and offset == before:
                return
            for line in lines:
                if line["kind"] in records.ENDINGS:
                    self._ending = line
                elif line["kind"] == "start":
                    self._ending = None
                self._count(line)
            metrics = await records.apply(self.ctx, self.run, lines, offset)
        for metric in metrics:
            self.ctx.tell("metric", wire.MetricEvent(run=self.run, metric=metric))
        if any(line["kind"] == "checkpoint" for line in lines):
            await self._prune()
            await announce_checkpoints(self.ctx)
        await self.show(handle, at_once=any(line["kind"] in ("phase", "eval") for line in lines))

    async def show(self, handle: JobHandle | None = None, at_once: bool = True) -> None:
        """Tell everyone how the run stands, at most four times a second unless at once."""
        if not at_once and time.monotonic() - self._shown_at < SHOW_S:
            return
        self._shown_at = time.monotonic()
        run = records.to_wire(self.ctx, await records.row_of(self.ctx, self.run))
        self.ctx.tell("run", run)
        if handle:
            handle.progress(message=run.phase, **self._how_far(run))

    def _count(self, line: Mapping[str, Any]) -> None:
        """Remember how much of a measurement a line of the journal says is done."""
        if line["kind"] == "count":
            self._counted = line["done"], line["total"]
        elif line["kind"] in ("phase", "step", "eval"):
            self._counted, self._phase_began = None, time.monotonic()

    def _how_far(self, run: wire.Run) -> dict[str, Any]:
        """Steps while it trains and in the end; passes through the model while it only measures."""
        if run.phase == "training" or self._ending:
            rate = run.step / run.elapsed_s if run.step and run.elapsed_s else None
            return {"done": run.step, "total": run.steps, "rate": rate, "unit": "steps", "eta_s": run.eta_s}
        if self._counted is None:
            return {"done": 0, "total": 0, "rate": None, "unit": "", "eta_s": None}
        done, total = self._counted
        rate = done / max(time.monotonic() - self._phase_began, 0.1)
        left = (total - done) / rate if done else None
        return {"done": done, "total": total, "rate": rate or None, "unit": wire.BATCHES, "eta_s": left}

    async def _ended(self) -> dict[str, Any] | None:
        """How the run ended, unless it goes on; a trainer that only saved goes on when nobody asked for a stop."""
        wanted = (await records.row_of(self.ctx, self.run))["wanted"]
        if self._ending and self._ending["kind"] != "stopped":
            return self._ending
        if wanted == "stopped" and not (self.child and self.child.alive()):
            return {"kind": "stopped"}
        return None

    async def _spawn(self) -> None:
        self._ending = None
        self.child = await launch(self.ctx.paths, self.folder)
        row = await records.row_of(self.ctx, self.run)
        await records.change(
            self.ctx,
            self.run,
            pid=self.child.pid,
            pid_started=self.child.started,
            state="preparing",
            phase="starting",
            started=row["started"] or now(),
        )
        await self.show()

    async def _watch(self, handle: JobHandle) -> int | None:
        """Read the journal until the trainer is gone; returns its exit status where that is known."""
        child = self.child
        assert child is not None
        asked = False
        while child.alive():
            await self.drain(handle)
            if handle.stop_requested.is_set() and not asked:
                asked = True
                await records.change(self.ctx, self.run, wanted="stopped")
                await self.stop()
            await asyncio.sleep(POLL_S)
        code = await child.wait()
        self.child = None
        await records.change(self.ctx, self.run, pid=None, pid_started=None)
        await self.drain(handle)
        return code

    async def _died(self, code: int | None, deaths: int, step: int, handle: JobHandle) -> None:
        """A trainer is gone without a word: wait a little and let it be raised again, or give the run up."""
        # torchrun has an exit status of its own.
        if code == FULL_DISK or shutil.disk_usage(self.ctx.paths.home).free < FULL_BELOW:
            self._ending = {"kind": "paused", "reason": FULL, "hint": f"Free some space, then {self._resume_words()}."}
            return
        why = "was killed (out of memory, or by hand)" if code in (-9, 137, None) else f"died with exit status {code}"
        if deaths > len(BACK_OFF_S):
            words = await asyncio.to_thread(last_words, self.folder.log)
            reason = f"The trainer {why} {deaths} times in a row at step {step}{words}."
            hint = f"Look at {self.folder.log}, then {self._resume_words()}."
            self._ending = {"kind": "failed", "reason": reason, "hint": hint}
            return
        self._note(f"the trainer {why} at step {step}; it is resumed ({deaths} of {len(BACK_OFF_S)})")
        await records.change(self.ctx, self.run, attempts=deaths, phase=f"resuming: the trainer {why}")
        await self.show(handle)
        try:
            await asyncio.wait_for(handle.stop_requested.wait(), BACK_OFF_S[deaths - 1])
        except TimeoutError:
            return
        await records.change(self.ctx, self.run, wanted="stopped")

    async def _finish(self, ending: Mapping[str, Any]) -> None:
        state, reason, hint = ending["kind"], ending.get("reason") or None, ending.get("hint", "")
        told = f"{reason} {hint}".strip() if reason else None
        await records.change(
            self.ctx,
            self.run,
            state=state,
            reason=told,
            phase="",
            eta_s=None,
            eta_low_s=None,
            eta_high_s=None,
            utilisation=None,
            ended=now(),
            pid=None,
            wanted="stopped",
        )
        await self.show()
        await beside.leave_room(self.ctx, self.run)
        await announce_checkpoints(self.ctx)
        if state == "done":
            run = records.to_wire(self.ctx, await records.row_of(self.ctx, self.run))
            for callback in self.ctx.on_run_finished:
                await callback(run)
        elif state == "stopped":
            raise Stopped
        else:
            raise RefactError(reason or f"The run {self.run} failed.", hint)

    async def _prune(self) -> None:
        """Throw away what nobody asked to keep, and say so."""
        if gone := await made.prune(self.ctx, self.run):
            steps = ", ".join(map(str, gone))
            self._note(f"not among the best any more, thrown away: the checkpoint of step {steps}", "info")

    def _note(self, text: str, level: str = "warning") -> None:
        line = {"v": 1, "at": now(), "kind": "log", "level": level, "text": text}
        with self.folder.notes.open("a") as notes:
            notes.write(json.dumps(line) + "\n")

    def _resume_words(self) -> str:
        return f"`refact-tui train resume {self.run}`"


async def announce_checkpoints(ctx: Context) -> None:
    """Tell everyone which checkpoints there are."""
    ctx.tell("checkpoints", {"checkpoints": await made.list_checkpoints(ctx)})


def last_words(log: Path) -> str:
    """The last line that a trainer left on its standard error, as the end of a sentence; empty where there is none."""
    try:
        lines = log.read_text(errors="replace").strip().splitlines()
    except OSError:
        return ""
    return f"; its last words were: {lines[-1].strip()[:300].rstrip('.')}" if lines else ""
