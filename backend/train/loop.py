"""The training loop: reads rows, takes optimizer steps, tests, saves; goes on after a kill with the same numbers."""

import time
from collections.abc import Callable, Iterator
from contextlib import nullcontext
from itertools import islice

import torch

from backend.jobs.journal import JournalWriter
from backend.train import evaluate, opening, save, worth
from backend.train.counting import Counting
from backend.train.gradients import Gradients, finite
from backend.train.job import Folder
from backend.train.keeping import Keeper
from backend.train.meter import Meter
from backend.train.packing import Row
from backend.train.progress import Progress, test_every
from backend.train.ranks import Ranks
from backend.train.room import Backoff, limit
from backend.train.settings import learning_rate_at

LATEST = 1.5
"""Where a time was given, training ends at this multiple of it at the latest."""
Taken = tuple[int, int, Row]


class Interrupted(Exception):
    """The trainer was asked to stop."""


class NotANumber(Exception):
    """The loss was not finite twice running, and again at half the rate; the last good checkpoint stands."""


class Again(Exception):
    """Goes on from the last saved state."""


class Trainer:
    """One run, from wherever it stands to its end."""

    def __init__(self, folder: Folder, journal: JournalWriter, stop: Callable[[], bool]) -> None:
        self.folder, self.journal, self._stop, self.ranks = folder, journal, stop, Ranks()
        self.job = folder.read_job()
        self.settings = self.job.settings
        self.progress = Progress(steps=self.job.steps)
        self.meter = Meter(self.job.threads)
        self.counting = Counting(journal)

    def run(self) -> str:
        """Train to the end and evaluate; returns why it ended early, or "".

        Raises Interrupted, NotANumber, NoRoom, OutOfRoom, RefactError."""
        opening.set_up(self.job)
        limit(self.settings["memory_limit_gb"], self.ranks.count)
        if self.ranks.first:
            save.clear_leftovers(self.folder)
        self._phase("reading files")
        self.data = opening.open_data(self.folder, self.job)
        self._check()
        self._phase("loading the model")
        self.tuned = opening.open_model(self.job, self.data.sample(), self.data.pad, self.ranks, self._warn)
        self.model = self.tuned.model
        self.keeper = Keeper(self.folder, self.job, self.tuned, self.journal, self.ranks.first)
        self._check()
        resumed = self._resume()
        # What is there was read by all before the first of them writes.
        self.ranks.wait()
        if not resumed:
            self._begin()
        self._train()
        self.ranks.leave()
        if self.ranks.first:
            self._evaluate()
        return self.progress.reason

    def _resume(self) -> bool:
        """Put the newest good state back, if there is one."""
        found, unreadable = self.keeper.restore()
        for name in unreadable:
            self._warn(f"{name} is damaged; {'going on from the state before it' if found else 'it cannot be used'}")
        if found:
            self.progress = found
            self._log(f"resumed at step {self.progress.step} of {self.progress.steps}")
            self.journal.write("plan", steps=self.progress.steps)
        self._arrange()
        return found is not None

    def _arrange(self) -> None:
        """What computes depends on where the run stands: memory may have been short before."""
        size = self.settings["micro_batch_size"]
        self.backoff = Backoff(self.progress, size, self.model, self._warn)
        self.gradients = Gradients(self.model, self.tuned.weights, self.data.pad, self.ranks, self.backoff)

    def _begin(self) -> None:
        """Step 0: what the base model makes of the held-out files, and how many steps the time allows."""
        self._phase("base test loss")
        with self.model.disable_adapter() if self.job.adapter else nullcontext():
            self.progress.base_loss = self._test_loss()
        self.journal.write("eval", step=0, test_loss=self.progress.base_loss)
        if self.job.seconds and not self.job.exact:
            self._phase("measuring speed")
            self.progress.steps = int(self.ranks.of_first(self._steps_that_fit(self.job.seconds)))
        self.journal.write("plan", steps=self.progress.steps)
        self.keeper.state(self.progress)

    def _steps_that_fit(self, seconds: float) -> int:
        """How many steps this machine takes in `seconds`, from a few that teach nothing."""
        rows = [row for _, _, row in islice(self.data.rows.stream(), self.settings["batch_size"])]
        self.gradients.of(rows)
        started = time.monotonic()
        self.gradients.of(rows)
        self.gradients.clear()
        fit = int(0.93 * seconds / max(time.monotonic() - started, 1e-3))
        return max(min(fit, self.job.most_steps or fit), 5)

    def _train(self) -> None:
        while self.progress.goes_on():
            self._phase("training")
            stream = self.data.rows.stream(self.progress.epoch, self.progress.index)
            try:
                while self.progress.goes_on():
                    self._advance(stream)
            except Again:
                continue

    def _advance(self, stream: Iterator[Taken]) -> None:
        """One step, and what is due after it."""
        progress, room = self.progress, self.backoff.room
        stop, late = self._step(stream)
        if stop:
            self.keeper.state(progress)
            self.keeper.checkpoint(progress, None)
            raise Interrupted
        if progress.step % self._every() == 0 or progress.step >= progress.steps:
            self._test()
        self._end_early(late)
        if progress.ended or room != self.backoff.room:
            self.keeper.state(progress)
        else:
            self.keeper.now_and_then(progress)

    def _step(self, stream: Iterator[Taken]) -> tuple[bool, bool]:
        """One optimizer step; whether a process was asked to stop, and whether the time is over."""
        progress, started = self.progress, time.monotonic()
        taken = list(islice(stream, self.settings["batch_size"]))
        rows = [row for _, _, row in taken]
        number = progress.step + 1
        torch.manual_seed(self.settings["seed"] * 1_000_003 + number + self.ranks.number * 500_009)
        late = self.ranks.first and bool(self.job.seconds) and progress.elapsed_s > LATEST * (self.job.seconds or 0)
        loss, norm, flags = self.gradients.of(rows, (float(self._stop()), float(late)))
        rate = learning_rate_at(number, progress.steps, self.settings) * progress.rate_share
        good = finite(loss, norm)
        if good:
            for group in self.tuned.optimizer.param_groups:
                group["lr"] = rate
            self.tuned.optimizer.step()
        self.gradients.clear()
        self._count_bad(good, number)
        progress.step, progress.epoch, progress.index = number, taken[-1][0], taken[-1][1] + 1
        seconds = time.monotonic() - started
        progress.timed(seconds)
        self._tell_step(loss if good else None, rate, sum(row.used for row in rows) / seconds)
        return flags[0] > 0, flags[1] > 0

    def _tell_step(self, loss: float | None, rate: float, tokens_per_s: float) -> None:
        eta, low, high = self.progress.eta(self._every())
        self.journal.write(
            "step",
            step=self.progress.step,
            train_loss=loss,
            learning_rate=rate,
            tokens_per_s=round(tokens_per_s, 1),
            memory_bytes=self.meter.memory(),
            utilisation=self.meter.utilisation(),
            elapsed_s=round(self.progress.elapsed_s, 2),
            eta_s=round(eta, 1),
            eta_low_s=round(low, 1),
            eta_high_s=round(high, 1),
        )

    def _count_bad(self, good: bool, step: int) -> None:
        """A step that is no number is skipped; after two running the last state is taken up at half the rate, once."""
        progress = self.progress
        progress.bad = 0 if good else progress.bad + 1
        if good:
            return
        if progress.bad == 1:
            self._warn(f"the loss of step {step} was not a number; the step was skipped")
            return
        found = self.keeper.restore()[0] if progress.rate_share == 1.0 else None
        if found is None:
            raise NotANumber
        self.progress = found
        self.progress.rate_share, self.progress.bad = 0.5, 0
        self.ranks.wait()
        self.keeper.state(self.progress)
        self._arrange()
        back = f"going on from step {self.progress.step} at half the learning rate"
        self._warn(f"the loss of step {step} was not a number either; {back}")
        raise Again

    def _test(self) -> None:
        """Test loss and a checkpoint; remembers the best."""
        progress, started = self.progress, time.monotonic()
        loss = self._test_loss()
        self.journal.write("eval", step=progress.step, test_loss=loss)
        progress.tested(loss)
        self.keeper.checkpoint(progress, loss)
        progress.tested_in(time.monotonic() - started)

    def _test_loss(self) -> float:
        """Mean nats per token of the held-out rows, each process having computed its share."""
        share, pad, device = self.ranks.share(self.data.held_out), self.data.pad, self.ranks.device

        def measure(size: int) -> tuple[float, float]:
            self.counting.begin(-(-len(share) // size))
            return evaluate.nats_and_tokens(self.model, share, pad, device, self._check, size)

        nats, tokens = self.ranks.add_up(self.backoff.run(measure))
        self.counting.begin(0)
        return nats / max(tokens, 1.0)

    def _end_early(self, late: bool) -> None:
        """Decide whether this was the last step; asked for exactly, only the number of steps decides."""
        progress = self.progress
        progress.ended = progress.step >= progress.steps
        if self.job.exact or progress.ended:
            return
        patience = self.settings["early_stop_patience"]
        if progress.waited >= patience:
            progress.reason = f"Ended early at step {progress.step}: {patience} test losses without a new best."
        elif late:
            progress.reason = f"Ended at step {progress.step}: the machine was slower than planned."
        if progress.reason:
            progress.ended = True
            if progress.last_tested != progress.step:
                self._test()

    def _evaluate(self) -> None:
        """Compare the best checkpoint with the base."""
        self._phase("evaluating")
        checkpoint = worth.take_best(self.folder, self.progress, self.model, self._warn)
        together = min(self.backoff.room[0], evaluate.TOGETHER)
        device, begin = self.ranks.device, self.counting.begin
        found = worth.measured(self.job, self.data, self.model, device, self._check, self._warn, together, begin)
        if found:
            self.journal.write("evaluation", step=checkpoint, **found)

    def _every(self) -> int:
        """Steps between two test losses."""
        chosen, progress = int(self.settings["eval_every"]), self.progress
        return chosen or test_every(progress.steps, self.job.windows, self.settings["batch_size"])

    def _check(self) -> None:
        """Where it stands alone, a process may stop at once; side by side they stop between two steps, together."""
        if (self.ranks.count == 1 or self.progress.ended) and self._stop():
            raise Interrupted
        self.counting.one()

    def _phase(self, phase: str) -> None:
        self.journal.write("phase", phase=phase)

    def _log(self, text: str, level: str = "info") -> None:
        self.journal.write("log", level=level, text=text)

    def _warn(self, text: str) -> None:
        self._log(text, "warning")
