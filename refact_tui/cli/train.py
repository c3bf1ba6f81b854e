"""`train plan|start|list|show|stop|resume|metrics`: runs."""

import time
from typing import Any

import click

from backend import wire
from refact_tui import words, words_of_runs
from refact_tui.cli.engine_link import connect, job_of, path_of, wait
from refact_tui.cli.output import Failure, Progress, columns, emit
from refact_tui.cli.verbs import Verb, root, verb
from refact_tui.client import Client

RUNS = "/train/runs"
ENDED = ("done", "stopped", "paused", "failed")
NUMBERS: dict[str, type[int] | type[float]] = {
    "batch_size": int,
    "micro_batch_size": int,
    "context": int,
    "lora_r": int,
    "lora_alpha": int,
    "lora_dropout": float,
    "lora_init_scale": float,
    "learning_rate": float,
    "warmup_num_steps": int,
    "lr_decay_steps": int,
    "weight_decay": float,
    "fim_rate": float,
    "context_weight": float,
    "early_stop_patience": int,
    "eval_every": int,
    "save_every": int,
    "seed": int,
}
"""Settings with an option of their own; `--set NAME=VALUE` reaches every one."""


@root.group()
def train() -> None:
    """Fine-tune a model on the accepted files."""


def run_options(function: Verb) -> Verb:
    """Everything that `plan` and `start` have in common."""
    for name, kind in reversed(NUMBERS.items()):
        function = click.option(f"--{name.replace('_', '-')}", name, type=kind, help="Else planned.")(function)
    function = click.option("--set", "chosen", multiple=True, metavar="NAME=VALUE", help="Any other setting.")(function)
    function = click.option("--low-gpu-memory-mode", is_flag=True, default=None, help="Slower, with less memory.")(
        function
    )
    function = click.option("--minutes", type=float, help="About how long to train.")(function)
    function = click.option("--from", "continue_from", metavar="RUN:STEP", help="Go on from a checkpoint.")(function)
    function = click.option("--new-only", is_flag=True, help="With --from: what it has not seen yet.")(function)
    function = click.option("--only-if-better", is_flag=True, help="Serve it only if it beats what is served.")(
        function
    )
    function = click.option(
        "--beside", type=click.Choice(["pause", "wait"]), help="Where it does not fit beside what is served."
    )(function)
    function = click.option("--model", help="The base model; else the starter.")(function)
    return click.option("--steps", type=int, help="Exactly so many steps.")(function)


def request_of(name: str | None, options: dict[str, Any]) -> wire.StartRun:
    """The options as a request; what was left out is planned. Raises click.UsageError for a --set that is none."""
    wanted = {
        key: value for key, value in options.items() if value is not None and key in {*NUMBERS, "low_gpu_memory_mode"}
    }
    for text in options["chosen"]:
        key, equals, value = text.partition("=")
        if not equals:
            raise click.UsageError(f"--set {text}: it must look like NAME=VALUE.")
        wanted[key.strip()] = words_of_runs.value_of(value.strip())
    return wire.StartRun(
        name=name,
        model=options["model"],
        steps=options["steps"],
        minutes=options["minutes"],
        settings=wanted,
        continue_from=options["continue_from"],
        new_only=options["new_only"],
        only_if_better=options["only_if_better"],
        beside=options["beside"] or "",
    )


@verb(train, "plan")
@run_options
def plan(as_json: bool, **options: Any) -> None:
    """What a run would take, before anything starts; before the first run of a model its speed is measured."""
    progress, request = Progress(), request_of(None, options)
    with connect() as client:
        while (found := client.post("/train/plan", request, wire.Plan)).speed == "measuring":
            progress.show("measuring how fast this box trains")
            time.sleep(1.0)
    progress.end()
    settings = words_of_runs.settings_lines(found.settings, found.overridden)
    emit(found, as_json, "\n".join([*words_of_runs.plan_lines(found), "", *settings]))


@verb(train, "start")
@click.option("--name", help="What to call the run.")
@click.option("--wait", "waiting", is_flag=True, help="Return when it has ended.")
@run_options
def start(name: str | None, waiting: bool, as_json: bool, **options: Any) -> None:
    """Plan a run and start it."""
    with connect() as client:
        run = client.post(RUNS, request_of(name, options), wire.Run)
        if waiting:
            run = until_ended(client, run.run)
    emit(run, as_json, run_text(run))


@verb(train, "list")
def list_runs(as_json: bool) -> None:
    """Every run, the newest first."""
    with connect() as client:
        found = client.get(RUNS, list[wire.Run])
    rows = [
        (
            one.run,
            one.state,
            f"{one.step}/{one.steps}",
            words.loss(one.test_loss.base),
            words.loss(one.test_loss.best),
            one.reason or "",
        )
        for one in found
    ]
    head = ("RUN", "STATE", "STEP", "BASE LOSS", "BEST LOSS", "")
    emit(found, as_json, columns(rows, head) if rows else "No runs yet: refact-tui train start")


@verb(train, "show")
@click.argument("run")
def show(run: str, as_json: bool) -> None:
    """One run."""
    with connect() as client:
        found = client.get(path_of(RUNS, run), wire.Run)
    emit(found, as_json, run_text(found))


@verb(train, "stop")
@click.argument("run")
def stop(run: str, as_json: bool) -> None:
    """Save and stop a run; it can be resumed."""
    with connect() as client:
        found = client.post(f"{path_of(RUNS, run)}/stop", None, wire.Run)
    emit(found, as_json, run_text(found))


@verb(train, "resume")
@click.argument("run")
@click.option("--wait", "waiting", is_flag=True, help="Return when it has ended.")
def resume(run: str, waiting: bool, as_json: bool) -> None:
    """Go on with a run; one that is alive is attached to."""
    with connect() as client:
        found = client.post(f"{path_of(RUNS, run)}/resume", None, wire.Run)
        if waiting:
            found = until_ended(client, run)
    emit(found, as_json, run_text(found))


@verb(train, "metrics")
@click.argument("run")
def metrics(run: str, as_json: bool) -> None:
    """Losses by step; step 0 is the base model."""
    with connect() as client:
        found = client.get(f"{path_of(RUNS, run)}/metrics", list[wire.Metric])
    rows = [
        (
            str(one.step),
            words.loss(one.train_loss),
            words.loss(one.test_loss),
            words_of_runs.value_text(one.learning_rate),
            f"{one.tokens_per_s or 0:.0f}",
        )
        for one in found
    ]
    shown = [one for one in found if one.step > 0]
    emit(shown, as_json, columns(rows, ("STEP", "TRAIN LOSS", "TEST LOSS", "RATE", "TOKENS/S")))


def until_ended(client: Client, name: str) -> wire.Run:
    """Wait for a run's end. Raises Failure where it failed, paused or was stopped."""

    def show(run: wire.Run, progress: Progress) -> None:
        phase = run.phase or run.state
        if run.state == "running" and run.phase == "training":
            tested = f"test {words.loss(run.test_loss.base)} → {words.loss(run.test_loss.last)}"
            losses = f"train {words.loss(run.train_loss)}, {tested}"
            progress.show(f"{name}: {losses}", run.step, run.steps, "steps", eta_s=run.eta_s)
        elif job := job_of(client, run.job):
            progress.job(name, job)
        else:
            progress.show(f"{name}: {phase}")

    run = wait(client, path_of(RUNS, name), wire.Run, lambda one: one.state in ENDED, show)
    if run.state != "done":
        raise Failure(
            run.reason or f"The run {name} {run.state}.", f"Go on with it: refact-tui train resume {name}", run.state
        )
    return run


def run_text(run: wire.Run) -> str:
    """A run in a few lines."""
    lines = [f"{run.run}: {run.state}, step {run.step} of {run.steps}"]
    if run.phase:
        lines[0] += f", {run.phase}"
    loss = run.test_loss
    if loss.base is not None:
        best = f", best {words.loss(loss.best)} ({words.change(loss.best, loss.base)})" if loss.best is not None else ""
        lines.append(f"test loss: base {words.loss(loss.base)}{best}")
    if run.best_checkpoint:
        lines.append(f"best checkpoint: {run.best_checkpoint}")
    if run.evaluation is not None:
        lines += words_of_runs.evaluation_lines(run.evaluation)
    return "\n".join([*lines, *([run.reason] if run.reason else [])])
