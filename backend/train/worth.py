"""What a run was worth: its best checkpoint beside the base, on held-out code and on code from elsewhere."""

from collections.abc import Callable
from typing import Any

import torch

from backend.train import evaluate, held_out, probe, save
from backend.train.job import Folder, Job
from backend.train.opening import Data
from backend.train.places import choose
from backend.train.progress import Progress
from backend.train.room import give_back, in_words, is_out_of_memory

EVALUATED = 96
"""Rows of held-out code, and of code from elsewhere, whose loss is compared in the end."""
Say = Callable[[str], None]


def take_best(folder: Folder, progress: Progress, model: Any, warn: Say) -> int:
    """Put the best checkpoint into the model, or the best of those that can still be read; returns its step."""
    best = progress.best_step
    if not best or best == progress.step:
        return progress.step
    checkpoint = folder.checkpoint(best)
    if not save.is_whole(checkpoint):
        other = save.best_whole(folder)
        told = f"{other.name} is evaluated" if other else "the last step is evaluated"
        warn(f"the best checkpoint, {checkpoint.name}, is damaged; {told}")
        if other is None:
            return progress.step
        checkpoint = other
    save.load_adapter(model, checkpoint)
    return save.step_of(checkpoint)


def measured(
    job: Job,
    data: Data,
    model: Any,
    device: torch.device,
    check: evaluate.Check,
    warn: Say,
    together: int,
    begin: Callable[[int], None],
) -> dict[str, Any] | None:
    """The comparison as it is journaled, so many rows at a time; None where there is no memory for it.

    `begin` hears how often `check` will be called, whenever that is begun."""
    info, context, seed = job.info(), job.settings["context"], job.settings["seed"]
    texts = [text for _, text in held_out.chosen(data.test, seed)]
    tests = evaluate.Tests(
        places=choose(texts, info, data.tokenizer, context, job.settings["eval_places"], seed),
        files=held_out.rows_by_file(texts, info, data.tokenizer, context, EVALUATED * context),
        elsewhere=held_out.rows_by_file(probe.texts(), info, data.tokenizer, context, EVALUATED * context),
    )
    while True:
        give_back()
        begin(evaluate.passes(tests, bool(job.rival_path), together))
        try:
            found = evaluate.compare(model, tests, data.tokenizer, data.pad, device, check, job.rival_path, together)
            break
        except (MemoryError, RuntimeError) as error:
            if not is_out_of_memory(error):
                raise
            if together == 1:
                warn(f"out of memory ({in_words(error)}); nothing is evaluated, the checkpoints are as they are")
                return None
        together //= 2
    if job.rival:
        found["rival"] = {"checkpoint": job.rival, **found["rival"]}
    return found
