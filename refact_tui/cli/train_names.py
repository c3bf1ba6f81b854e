"""`train rename|delete|restore|schedule`: what runs are called, where they go, and when they come by themselves."""

import click

from backend import wire
from refact_tui.cli.engine_link import connect, path_of
from refact_tui.cli.output import REFUSED, Failure, emit
from refact_tui.cli.train import RUNS, run_text, train
from refact_tui.cli.verbs import verb, yes_or_no

SCHEDULE = "/train/schedule"


@verb(train, "rename")
@click.argument("run")
@click.argument("name")
def rename(run: str, name: str, as_json: bool) -> None:
    """Call a run, and with it its checkpoints, something else."""
    with connect() as client:
        found = client.post(f"{path_of(RUNS, run)}/rename", wire.NewName(name=name), wire.Run)
    emit(found, as_json, run_text(found))


@verb(train, "delete")
@click.argument("run")
@yes_or_no
def delete(run: str, yes: bool, as_json: bool) -> None:
    """Move a run with its checkpoints to the trash; it stays there for two weeks."""
    with connect() as client:
        found = client.get(path_of(RUNS, run), wire.Run)
        if found.best_checkpoint and not yes:
            raise Failure(f"{run} has checkpoints.", "Agree with --yes.", "refused", REFUSED)
        client.delete(path_of(RUNS, run))
    emit(found, as_json, f"Deleted {run}. Back again: refact-tui train restore {run}")


@verb(train, "restore")
@click.argument("run")
def restore(run: str, as_json: bool) -> None:
    """Bring a deleted run back."""
    with connect() as client:
        client.post(f"{path_of('/trash', run)}/restore", wire.Restore(kind="run"), dict)
        found = client.get(path_of(RUNS, run), wire.Run)
    emit(found, as_json, run_text(found))


@verb(train, "schedule")
@click.option("--at", metavar="HH:MM", help="Every night at this time of the box's clock.")
@click.option("--minutes", type=float, help="How long to train.")
@click.option("--off", is_flag=True, help="No more nights.")
@click.option("--now", "at_once", is_flag=True, help="Do now what is done each night.")
def schedule(at: str | None, minutes: float | None, off: bool, at_once: bool, as_json: bool) -> None:
    """Every night: sync, scan, train on what is new, and serve it only if it is better."""
    with connect() as client:
        found = client.get(SCHEDULE, wire.Schedule)
        if at or minutes or off:
            wanted = wire.Schedule(at="" if off else at or found.at, minutes=minutes or found.minutes)
            found = client.post(SCHEDULE, wanted, wire.Schedule)
        if at_once:
            client.post(f"{SCHEDULE}/now", None, wire.Job)
    when = (
        f"every night at {found.at}, {found.minutes:g} minutes"
        if found.at
        else "no schedule: train schedule --at 02:00"
    )
    emit(found, as_json, "\n".join(line for line in (when, "started" if at_once else "", found.last) if line))
