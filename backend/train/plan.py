"""Works out steps, batch, memory and time of a run before it starts, or says what is missing; torch-free."""

import math
import os
from dataclasses import dataclass, replace
from typing import Any

import msgspec

from backend import devices, settings, wire
from backend.context import Context
from backend.errors import BadRequest
from backend.models import catalog
from backend.models.catalog import ModelInfo
from backend.scan import results
from backend.scan import run as scan_run
from backend.scan.results import AcceptedFile
from backend.train import beside, fit, machine, retune, syntax
from backend.train.retune import Parent
from backend.train.settings import merged, targets_of

FEWEST_FILES = 8
FEWEST_TRAIN_TOKENS, FEWEST_TEST_TOKENS = 2_000, 8_000
BYTES_A_TOKEN = 3.6
"""Where no token count is stored yet."""
EPOCHS = ((0.25, 2), (0.5, 3), (0.75, 4))
"""Passes over the data where nothing else was asked for, by the base model's loss as a share of its scan threshold:
who predicts the code well has less to learn. Early stop ends what over-fits before."""
MOST_EPOCHS = 5
EPOCHS_BY_TIME = 10
"""At most, where a time was given."""
FEWEST_STEPS = 5
"""Planned, unless so many would be more than EPOCHS_BY_TIME of very little data."""
CPU_S = 20 * 60.0
"""How long a run is planned on a CPU where neither steps nor time were given; with a GPU the data decide."""
FILLED = 0.985
"""Share of a row that is not padding."""
CPU_CONTEXT, GPU_CONTEXT = 512, 2048
EVALUATION_S, START_S = 20.0, 8.0


@dataclass(frozen=True)
class Prepared:
    """A plan and what it is made of."""

    plan: wire.Plan
    info: ModelInfo
    files: list[AcceptedFile]
    exact: bool
    seconds: float | None
    most_steps: int
    parent: Parent | None = None


def rate_setting(model: str) -> str:
    """Name of the setting that keeps a model's measured training speed on this box."""
    return f"train.tokens_per_s.{model}"


async def prepare(ctx: Context, request: wire.StartRun) -> Prepared:
    """What would be trained, on which files, and what it takes.

    Raises BadRequest for too little to learn from, or a bad value."""
    overrides = {name: value for name, value in request.settings.items() if value is not None}
    if request.steps is not None:
        overrides["train_steps"] = request.steps
    parent = await retune.parent_of(ctx, request.continue_from) if request.continue_from else None
    if parent:
        overrides = retune.inherit(parent, overrides)
    elif request.new_only:
        raise BadRequest("New since what?", "Name the checkpoint to go on from as RUN:STEP.")
    chosen = merged(overrides)
    machine.refuse_impossible(chosen, len(devices.gpus()), len(os.sched_getaffinity(0)))
    if request.steps is not None and chosen["train_steps"] < 1:
        raise BadRequest("A run needs at least one step.", "Leave --steps out and it is planned.")
    if request.minutes is not None and not 0.1 <= request.minutes <= 10_000:
        raise BadRequest(f"{request.minutes:g} minutes cannot be planned; from 0.1 to 10000 can.")
    if parent and request.model not in (None, parent.model):
        raise BadRequest(f"{parent.id} was tuned from {parent.model}, not from {request.model}.")
    info = catalog.get(ctx, parent.model if parent else request.model or catalog.STARTER)
    _refuse_unfit(info, chosen)
    files = await results.accepted(ctx)
    if parent and request.new_only:
        files = retune.what_is_new(files, parent)
    await _refuse_too_little(ctx, files)
    measured = await settings.get(ctx.db, rate_setting(info.name))
    rate = float(measured) if measured else _guessed_rate(info)
    found = _work_out(info, files, chosen, overrides, request.minutes, rate)
    speed: wire.PlanSpeed = "measured" if measured else "guessed"
    plan = msgspec.structs.replace(found.plan, speed=speed)
    if way := beside.in_the_way(ctx, plan.memory_bytes, plan.memory_available_bytes):
        sentence = f"{plan.sentence}; or while {' and '.join(way)} {'is' if len(way) == 1 else 'are'} not served"
        plan = msgspec.structs.replace(plan, in_the_way=way, sentence=sentence)
    return replace(found, plan=plan, parent=parent)


def _refuse_unfit(info: ModelInfo, chosen: dict[str, Any]) -> None:
    """Raises BadRequest for a model that cannot be fine-tuned, or layers that it does not have."""
    if "finetune" not in info.supports:
        why = " ".join(info.notes) or "It does not support that."
        raise BadRequest(f"{info.name} cannot be fine-tuned. {why}", "Choose another model: `refact-tui models list`.")
    targets = targets_of(chosen)
    if isinstance(targets, list) and (unknown := [name for name in targets if name not in info.linear]):
        raise BadRequest(
            f"{info.name} has no linear layers called {', '.join(unknown)}.", f"It has {', '.join(info.linear)}."
        )


async def _refuse_too_little(ctx: Context, files: list[AcceptedFile]) -> None:
    usable = [file for file in files if file.size > 0]
    test_tokens = sum(tokens_of(file) for file in usable if file.set == "test")
    if not usable:
        scan = await scan_run.current(ctx)
        if scan is None:
            raise BadRequest(
                "Nothing has been scanned yet, so there is nothing to train on.", "Run `refact-tui scan run`."
            )
        raise BadRequest(
            scan.detail or f"0 of {scan.files} files accepted; there is nothing to train on.",
            "Look at the reasons with `refact-tui scan files --rejected`, or add a source.",
        )
    if len(usable) < FEWEST_FILES:
        raise BadRequest(
            f"Only {len(usable)} accepted files have text in them; at least {FEWEST_FILES} are needed to learn from.",
            "Add a source that has more code.",
        )
    if test_tokens < FEWEST_TEST_TOKENS:
        raise BadRequest(
            f"The held-out files have about {test_tokens} tokens; at least {FEWEST_TEST_TOKENS} are needed.",
            "Add more code, or put a source into the test set: `refact-tui sources set NAME test`.",
        )
    if all(file.set == "test" for file in usable):
        raise BadRequest(
            "Every accepted file is held out; none is left to train on.", "Put a source into the train set."
        )
    train_tokens = sum(tokens_of(file) for file in usable if file.set == "train")
    if train_tokens < FEWEST_TRAIN_TOKENS:
        raise BadRequest(
            f"The training files have about {train_tokens} tokens; at least {FEWEST_TRAIN_TOKENS} are needed.",
            "Add more code, or take a source out of the test set: `refact-tui sources set NAME auto`.",
        )


def _work_out(
    info: ModelInfo,
    files: list[AcceptedFile],
    chosen: dict[str, Any],
    overrides: dict[str, Any],
    minutes: float | None,
    rate: float,
) -> Prepared:
    train = [file for file in files if file.set == "train" and file.size > 0]
    test = [file for file in files if file.set == "test" and file.size > 0]
    tokens = sum(tokens_of(file) for file in train)
    if chosen["context"] is None:
        chosen["context"] = min(info.context, GPU_CONTEXT if devices.gpus() else CPU_CONTEXT)
    if chosen["context"] > info.context:
        raise BadRequest(f"context is {chosen['context']}; {info.name} reads at most {info.context} tokens.")
    if chosen["learning_rate"] is None:
        chosen["learning_rate"] = info.learning_rate
    chosen["fim_nodes"] = _nodes(chosen["fim_nodes"])
    exact = chosen["train_steps"] > 0
    seconds = None if exact else (minutes or 0) * 60 or (None if devices.gpus() else CPU_S)
    epochs = EPOCHS_BY_TIME if minutes else epochs_for(info, train)
    if chosen["batch_size"] is None:
        chosen["batch_size"] = _batch(tokens, min(epochs * tokens, (seconds or math.inf) * rate), chosen["context"])
    tokens_a_step = chosen["batch_size"] * chosen["context"] * FILLED
    fewest = max(min(FEWEST_STEPS, int(EPOCHS_BY_TIME * tokens / tokens_a_step)), 1)
    most = max(math.ceil(epochs * tokens / tokens_a_step), fewest)
    timely = int(seconds * rate / tokens_a_step) if seconds else most
    steps = chosen["train_steps"] or max(min(most, timely), fewest)
    if chosen["warmup_num_steps"] is None:
        chosen["warmup_num_steps"] = max(min(20, steps // 10), 1)
    chosen["train_steps"] = steps
    needed, available = fit.memory(info, chosen), devices.memory_available()
    offer = fit.what_fits(info, chosen, available) if needed > available else None
    training_s = steps * tokens_a_step / rate
    tests_s = 11 * 24 * chosen["context"] / (3 * rate)
    duration = training_s + tests_s + EVALUATION_S + START_S
    plan = wire.Plan(
        model=info.name,
        steps=steps,
        batch_size=chosen["batch_size"],
        tokens_per_epoch=tokens,
        memory_bytes=needed,
        memory_available_bytes=available,
        duration_s=round(duration, 1),
        settings=chosen,
        overridden=sorted(overrides),
        train_files=len(train),
        test_files=len(test),
        test_tokens=sum(tokens_of(file) for file in test),
        epochs=round(steps * tokens_a_step / max(tokens, 1), 2),
        sentence=_sentence(needed, available, duration, offer),
        offer=offer,
    )
    return Prepared(plan, info, files, exact, seconds, most)


def tokens_of(file: AcceptedFile) -> int:
    """Tokens of a file: counted by the scan, else estimated from its size."""
    return file.tokens or math.ceil(file.size / BYTES_A_TOKEN)


def _nodes(chosen: str | None) -> str:
    """What finds syntactic nodes, fixed here so that a run resumed elsewhere makes the same rows or none."""
    if chosen == "tree-sitter" and not syntax.installed():
        raise BadRequest("tree-sitter is not installed here.", syntax.INSTALL)
    return chosen or ("tree-sitter" if syntax.installed() else "indentation")


def _batch(tokens: int, budget: float, context: int) -> int:
    """The largest power of two from 4 to 128 that leaves at least 400 steps for the tokens that can be read.

    Less than 4 where there is so little data that FEWEST_STEPS of 4 were more than EPOCHS_BY_TIME."""
    batch = 4
    while batch > 1 and FEWEST_STEPS * batch * context > EPOCHS_BY_TIME * tokens:
        batch //= 2
    while 4 <= batch < 128 and budget / (2 * batch * context) >= 400:
        batch *= 2
    return batch


def _guessed_rate(info: ModelInfo) -> float:
    """Tokens a second before anything was measured: what two CPU cores do, by the model's size."""
    return 4500.0 * min(9e6 / max(info.parameters, 1), 2.0)


def epochs_for(info: ModelInfo, train: list[AcceptedFile]) -> int:
    """Passes over the training files, from what the base model makes of them; the same on every machine."""
    scored = [(file.loss, tokens_of(file)) for file in train if file.loss is not None]
    tokens = sum(count for _, count in scored)
    if not tokens:
        return EPOCHS[1][1]
    share = sum(loss * count for loss, count in scored) / tokens / info.loss_threshold
    return next((epochs for below, epochs in EPOCHS if share < below), MOST_EPOCHS)


def _sentence(needed: int, available: int, duration: float, offer: dict[str, Any] | None) -> str:
    """Whether it fits, and how long it takes; where it does not, what would."""
    length = f"about {max(round(duration / 60), 1)} min" if duration >= 60 else "less than a minute"
    if needed <= available:
        return f"fits: {needed / 1e9:.1f} of {available / 1e9:.0f} GB; {length}"
    told = f"does not fit: needs {needed / 1e9:.1f} GB, {available / 1e9:.1f} GB are free; "
    if offer is None:
        return told + "no setting makes it fit: take a smaller model, or free memory"
    return told + "it fits with " + " and ".join(f"{name}={_typed(value)}" for name, value in offer.items())


def _typed(value: Any) -> str:
    return str(value).lower() if isinstance(value, bool) else str(value)
