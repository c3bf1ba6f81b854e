"""The training loop: reads rows, takes optimizer steps, tests, saves; goes on after a kill with the same numbers."""

import time
from collections.abc import Callable, Iterator
from contextlib import nullcontext
from itertools import islice
from pathlib import Path
from typing import Any

import psutil
import torch
from accelerate import Accelerator

from backend.devices import fast_bf16
from backend.jobs.journal import JournalWriter
from backend.models.load import load_base
from backend.models.tokenizer import load_tokenizer
from backend.train import evaluate, held_out, lora, probe, save
from backend.train.batches import batch, weight_of
from backend.train.dataset import Rows, Texts, held_out_rows, read_manifest
from backend.train.job import Folder
from backend.train.packing import Row
from backend.train.places import choose
from backend.train.progress import Progress
from backend.train.settings import learning_rate_at

STATE_EVERY_S = 10.0
"""A kill loses at most about this much work."""
EVALUATED = 96
"""Rows of held-out code, and of code from elsewhere, whose loss is compared in the end."""
LATEST = 1.5
"""Where a time was given, training ends at this multiple of it at the latest."""


class Interrupted(Exception):
    """The trainer was asked to stop."""


class NotANumber(Exception):
    """The loss was not finite twice running; the last good checkpoint stands."""


class Trainer:
    """One run, from wherever it stands to its end."""

    def __init__(self, folder: Folder, journal: JournalWriter, stop: Callable[[], bool]) -> None:
        self.folder, self.journal, self._stop = folder, journal, stop
        self.job = folder.read_job()
        self.settings = self.job.settings
        self.progress = Progress(steps=self.job.steps)
        self._saved_at = time.monotonic()

    def run(self) -> str:
        """Train to the end and evaluate; returns why it ended early, or "". Raises Interrupted, NotANumber, NoRoom."""
        torch.set_num_threads(self.job.threads)
        torch.use_deterministic_algorithms(True, warn_only=True)
        save.clear_leftovers(self.folder)
        self._read()
        self._load()
        if not self._resume():
            self._begin()
        self._train()
        self._evaluate()
        return self.progress.reason

    def _read(self) -> None:
        """Open the data; the rows themselves are made as they are needed."""
        self._phase("reading files")
        info = self.job.info()
        self.tokenizer = load_tokenizer(info)
        self.pad = self.tokenizer.marks.eot
        members = read_manifest(self.folder.manifest)
        content = self.folder.path / self.job.content
        train = Texts(content, [member for member in members if member.set == "train"])
        self.test = Texts(content, [member for member in members if member.set == "test"])
        self.rows = Rows(train, info, self.tokenizer, self.settings)
        self._check()
        context, seed = self.settings["context"], self.settings["seed"]
        self.held_out = held_out_rows(self.test, info, self.tokenizer, context, self.job.windows, seed)

    def _load(self) -> None:
        """The model with its adapters, the optimizer, and accelerate around both."""
        self._phase("loading the model")
        precision = "bf16" if torch.cuda.is_available() or fast_bf16() else "no"
        self.accelerator = Accelerator(mixed_precision=precision, cpu=not torch.cuda.is_available())
        model = lora.adapted(load_base(self.job.info(), torch.float32), self.settings)
        if self.job.adapter:
            save.load_adapter(model, Path(self.job.adapter))
        optimizer = torch.optim.AdamW(
            list(lora.trainable(model).values()),
            lr=0.0,
            betas=(0.9, 0.99),
            weight_decay=self.settings["weight_decay"],
            fused=True,
        )
        self.model, self.optimizer = self.accelerator.prepare(model, optimizer)
        self.device = self.accelerator.device
        self._check()

    def _resume(self) -> bool:
        """Put the newest state back, if there is one."""
        state = save.load_state(self.folder)
        if state is None:
            return False
        lora.restore(self.model, state["lora"])
        self.optimizer.load_state_dict(state["optimizer"])
        self.progress = Progress(**state["progress"])
        self._log(f"resumed at step {self.progress.step} of {self.progress.steps}")
        self.journal.write("plan", steps=self.progress.steps)
        return True

    def _begin(self) -> None:
        """Step 0: what the base model makes of the held-out files, and how many steps the time allows."""
        self._phase("base test loss")
        with self.model.disable_adapter() if self.job.adapter else nullcontext():
            self.progress.base_loss = self._test_loss()
        self.journal.write("eval", step=0, test_loss=self.progress.base_loss)
        if self.job.seconds and not self.job.exact:
            self._phase("measuring speed")
            self.progress.steps = self._steps_that_fit(self.job.seconds)
        self.journal.write("plan", steps=self.progress.steps)
        self._save_state()

    def _steps_that_fit(self, seconds: float) -> int:
        """How many steps this machine takes in `seconds`, from a few that teach nothing."""
        rows = [row for _, _, row in islice(self.rows.stream(), self.settings["batch_size"])]
        self._gradient(rows)
        started = time.monotonic()
        self._gradient(rows)
        self.optimizer.zero_grad()
        fit = int(0.93 * seconds / max(time.monotonic() - started, 1e-3))
        return max(min(fit, self.job.most_steps or fit), 5)

    def _train(self) -> None:
        progress = self.progress
        if not progress.goes_on():
            return
        self._phase("training")
        stream = self.rows.stream(progress.epoch, progress.index)
        while progress.goes_on():
            if self._stop():
                self._save_state()
                self._save_checkpoint(None)
                raise Interrupted
            self._step(stream)
            if progress.step % self._eval_every() == 0 or progress.step >= progress.steps:
                self._test()
            self._end_early()
            self._save_now_and_then()
        self._save_state()

    def _step(self, stream: Iterator[tuple[int, int, Row]]) -> None:
        """One optimizer step; a loss that is not finite is skipped once."""
        progress, started = self.progress, time.monotonic()
        taken = list(islice(stream, self.settings["batch_size"]))
        rows = [row for _, _, row in taken]
        number = progress.step + 1
        torch.manual_seed(self.settings["seed"] * 1_000_003 + number)
        loss = self._gradient(rows)
        rate = learning_rate_at(number, progress.steps, self.settings)
        finite = loss == loss and abs(loss) != float("inf")
        if finite:
            self.accelerator.clip_grad_norm_(self.model.parameters(), 1.0)
            for group in self.optimizer.param_groups:
                group["lr"] = rate
            self.optimizer.step()
        self.optimizer.zero_grad()
        self._count_bad(finite, number)
        progress.step, progress.epoch, progress.index = number, taken[-1][0], taken[-1][1] + 1
        seconds = time.monotonic() - started
        progress.timed(seconds)
        self.journal.write(
            "step",
            step=number,
            train_loss=loss if finite else None,
            learning_rate=rate,
            tokens_per_s=round(sum(row.used for row in rows) / seconds, 1),
            memory_bytes=self._memory(),
            elapsed_s=round(progress.elapsed_s, 2),
            eta_s=round(progress.eta_s(), 1),
        )

    def _gradient(self, rows: list[Row]) -> float:
        """Add up the gradients of a batch in micro-batches; returns its mean weighted loss in nats per token."""
        self.model.train()
        whole, size, total = max(weight_of(rows), 1.0), self.settings["micro_batch_size"], 0.0
        for start in range(0, len(rows), size):
            one = batch(rows[start : start + size], self.pad).to(self.device)
            loss = evaluate.losses(self.model, one) / whole
            self.accelerator.backward(loss)
            total += float(loss.detach())
        return total

    def _count_bad(self, finite: bool, step: int) -> None:
        self.progress.bad = 0 if finite else self.progress.bad + 1
        if not finite:
            self._log(f"the loss of step {step} was not a number; the step was skipped", "warning")
        if self.progress.bad > 1:
            raise NotANumber

    def _test(self) -> None:
        """Test loss and a checkpoint; remembers the best."""
        progress, started = self.progress, time.monotonic()
        loss = self._test_loss()
        self.journal.write("eval", step=progress.step, test_loss=loss)
        progress.tested(loss)
        self._save_checkpoint(loss)
        progress.tested_in(time.monotonic() - started)

    def _test_loss(self) -> float:
        return evaluate.mean_loss(self.model, self.held_out, self.pad, self.device, self._check)

    def _end_early(self) -> None:
        """Decide whether this was the last step; asked for exactly, only the number of steps decides."""
        progress, job = self.progress, self.job
        progress.ended = progress.step >= progress.steps
        if job.exact or progress.ended:
            return
        patience = self.settings["early_stop_patience"]
        if progress.waited >= patience:
            progress.reason = f"Ended early at step {progress.step}: {patience} test losses without a new best."
        elif job.seconds and progress.elapsed_s > LATEST * job.seconds:
            progress.reason = f"Ended at step {progress.step}: the machine was slower than planned."
        if progress.reason:
            progress.ended = True
            if progress.last_tested != progress.step:
                self._test()

    def _evaluate(self) -> None:
        """Complete held-out places by the base model and by the best checkpoint."""
        self._phase("evaluating")
        progress = self.progress
        if progress.best_step and progress.best_step != progress.step:
            save.load_adapter(self.model, self.folder.checkpoint(progress.best_step))
        context, seed = self.settings["context"], self.settings["seed"]
        texts = [text for _, text in held_out.chosen(self.test, seed)]
        tests = evaluate.Tests(
            places=choose(texts, self.job.info(), self.tokenizer, context, self.settings["eval_places"], seed),
            files=held_out.rows_by_file(texts, self.job.info(), self.tokenizer, context, EVALUATED * context),
            elsewhere=held_out.rows_by_file(
                probe.texts(), self.job.info(), self.tokenizer, context, EVALUATED * context
            ),
        )
        found = evaluate.compare(
            self.model, tests, self.tokenizer, self.pad, self.device, self._check, self.job.rival_path
        )
        if self.job.rival:
            found["rival"] = {"checkpoint": self.job.rival, **found["rival"]}
        self.journal.write("evaluation", step=progress.best_step or progress.step, **found)

    def _eval_every(self) -> int:
        """About ten test losses a run cost less than a twentieth of its time."""
        return int(self.settings["eval_every"]) or max(5, -(-self.progress.steps // 10))

    def _save_now_and_then(self) -> None:
        every = int(self.settings["save_every"])
        due = self.progress.step % every == 0 if every else time.monotonic() - self._saved_at > STATE_EVERY_S
        if due:
            self._save_state()

    def _save_state(self) -> None:
        save.save_state(
            self.folder,
            {
                "lora": lora.snapshot(self.model),
                "optimizer": self.optimizer.state_dict(),
                "progress": self.progress.as_dict(),
            },
        )
        self._saved_at = time.monotonic()

    def _save_checkpoint(self, test_loss: float | None) -> None:
        step = self.progress.step
        if step == 0:
            return
        meta: dict[str, Any] = {"run": self.job.run, "base_model": self.job.model, "base_loss": self.progress.base_loss}
        meta |= {"test_loss": test_loss, "data": save.fingerprint(self.folder.manifest), "settings": self.settings}
        path, size = save.save_checkpoint(self.folder, self.model, step, meta)
        self.journal.write("checkpoint", step=step, test_loss=test_loss, path=str(path), size=size)

    def _memory(self) -> int:
        if self.device.type == "cuda":
            return int(torch.cuda.max_memory_allocated(self.device))
        return int(psutil.Process().memory_info().rss)

    def _check(self) -> None:
        if self._stop():
            raise Interrupted

    def _phase(self, phase: str) -> None:
        self.journal.write("phase", phase=phase)

    def _log(self, text: str, level: str = "info") -> None:
        self.journal.write("log", level=level, text=text)
