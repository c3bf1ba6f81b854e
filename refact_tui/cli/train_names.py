"""`train rename|delete|restore`: what runs are called, and where they go."""

import click

from backend import wire
from refact_tui.cli.engine_link import connect, path_of
from refact_tui.cli.output import REFUSED, Failure, emit
from refact_tui.cli.train import RUNS, run_text, train
from refact_tui.cli.verbs import verb, yes_or_no


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
        client.post(f"{path_of('/trash', run)}/restore", None, dict)
        found = client.get(path_of(RUNS, run), wire.Run)
    emit(found, as_json, run_text(found))
