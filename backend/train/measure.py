"""How fast this box trains a model: `python -P -m backend.train.measure JOB`, a run's job as JSON, which is not begun.

A few micro-batches of a full context go through model and adapters, forwards and backwards; nothing is learnt."""

import contextlib
import json
import os
import random
import sys
import time

import msgspec

from backend.errors import RefactError
from backend.models.tokenizer import load_tokenizer
from backend.train import opening
from backend.train.gradients import Gradients
from backend.train.job import Job
from backend.train.packing import Document, Row
from backend.train.progress import Progress
from backend.train.ranks import Ranks
from backend.train.room import Backoff, OutOfRoom, limit

LONG_ENOUGH_S = 2.0
MOST = 8
"""Micro-batches that are measured at most."""


def tokens_per_s(job: Job) -> float:
    """Tokens that one process trains on in a second. Raises RefactError, OutOfRoom."""
    opening.set_up(job)
    limit(job.settings["memory_limit_gb"], 1)
    info, chosen = job.info(), job.settings
    ranks, pad = Ranks(), load_tokenizer(info).marks.eot
    rows = _rows(min(chosen["micro_batch_size"], chosen["batch_size"]), chosen["context"], info.vocab_size)
    tuned = opening.open_model(job, rows[0], pad, ranks, lambda _: None)
    backoff = Backoff(Progress(steps=1), chosen["micro_batch_size"], tuned.model, lambda _: None)
    gradients = Gradients(tuned.model, tuned.weights, pad, ranks, backoff)
    # The first one finds memory and kernels.
    gradients.of(rows)
    done, began = 0, time.perf_counter()
    while done < MOST and time.perf_counter() - began < LONG_ENOUGH_S:
        gradients.of(rows)
        done += 1
    return done * sum(row.used for row in rows) / (time.perf_counter() - began)


def _rows(count: int, context: int, vocabulary: int) -> list[Row]:
    """Full rows of any tokens: what they say does not matter to the time they take."""
    chance = random.Random(1)
    return [
        Row(context, [Document([chance.randrange(vocabulary) for _ in range(context)], [0.0] + [1.0] * (context - 1))])
        for _ in range(count)
    ]


def main() -> int:
    """One line of JSON on stdout: the speed, or why there is none; then 1."""
    out = os.fdopen(os.dup(1), "w")
    os.dup2(2, 1)
    try:
        found: dict[str, object] = {"tokens_per_s": round(tokens_per_s(msgspec.json.decode(sys.argv[1], type=Job)), 1)}
    except (RefactError, OutOfRoom, OSError, RuntimeError, MemoryError) as error:
        found = {"failed": str(error).splitlines()[0] if str(error) else type(error).__name__}
    with contextlib.suppress(BrokenPipeError):
        print(json.dumps(found), file=out, flush=True)
    return int("failed" in found)


if __name__ == "__main__":
    sys.exit(main())
