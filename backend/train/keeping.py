"""When a run is saved, and what: states that it resumes from, checkpoints that are used."""

import time
from typing import Any

from backend.jobs.journal import JournalWriter
from backend.train import lora, save
from backend.train.job import Folder, Job
from backend.train.opening import Tuned
from backend.train.progress import Progress

STATE_EVERY_S = 10.0
"""A kill loses at most about this much work."""


class Keeper:
    """Saves for the whole run; only the first of its processes has one that writes."""

    def __init__(self, folder: Folder, job: Job, tuned: Tuned, journal: JournalWriter, writes: bool) -> None:
        self._folder, self._job, self._tuned, self._journal, self._writes = folder, job, tuned, journal, writes
        self._saved_at = time.monotonic()

    def state(self, progress: Progress) -> None:
        """Replace the resumable state. Raises NoRoom."""
        if self._writes:
            save.save_state(
                self._folder,
                {
                    "lora": lora.snapshot(self._tuned.model),
                    "optimizer": self._tuned.optimizer.state_dict(),
                    "progress": progress.as_dict(),
                },
            )
        self._saved_at = time.monotonic()

    def now_and_then(self, progress: Progress) -> None:
        """Replace the resumable state where that is due."""
        every = int(self._job.settings["save_every"])
        due = progress.step % every == 0 if every else time.monotonic() - self._saved_at > STATE_EVERY_S
        if due:
            self.state(progress)

    def checkpoint(self, progress: Progress, test_loss: float | None) -> None:
        """Write the adapter of this step, and say so. Raises NoRoom."""
        if progress.step == 0 or not self._writes:
            return
        job, folder = self._job, self._folder
        meta: dict[str, Any] = {"run": job.run, "base_model": job.model, "base_loss": progress.base_loss}
        meta |= {"test_loss": test_loss, "data": save.fingerprint(folder.manifest), "settings": job.settings}
        path, size = save.save_checkpoint(folder, self._tuned.model, progress.step, meta)
        self._journal.write("checkpoint", step=progress.step, test_loss=test_loss, path=str(path), size=size)

    def restore(self) -> tuple[Progress | None, list[str]]:
        """Put the newest state that can be read back into model and optimizer, and name those that could not be."""
        state, unreadable = save.load_state(self._folder)
        if self._writes and unreadable:
            # The next save must not put it in the place of the good one.
            self._folder.state.unlink(missing_ok=True)
        if state is None:
            return None, unreadable
        lora.restore(self._tuned.model, state["lora"])
        self._tuned.optimizer.load_state_dict(state["optimizer"])
        return Progress.of(state["progress"]), unreadable
