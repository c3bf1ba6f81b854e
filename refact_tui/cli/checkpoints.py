"""`checkpoints list|show|export|pin|delete|restore`: what training has left, and where it goes."""

from pathlib import Path

import click

from backend import wire
from refact_tui import words, words_of_checkpoints
from refact_tui.cli.engine_link import connect, path_of, wait
from refact_tui.cli.output import REFUSED, Failure, Progress, columns, emit
from refact_tui.cli.verbs import root, verb, yes_or_no

POINTS = "/checkpoints"


@root.group()
def checkpoints() -> None:
    """What training has left."""


@verb(checkpoints, "list")
def list_checkpoints(as_json: bool) -> None:
    """Every checkpoint, the newest run first."""
    with connect() as client:
        found = client.get(POINTS, list[wire.Checkpoint])
    rows = [
        (
            one.id,
            one.model,
            words.loss(one.test_loss),
            "best" if one.best else "",
            "served" if one.served else "",
            "pinned" if one.pinned else "",
            words.size(one.size),
            words.ago(one.made),
        )
        for one in found
    ]
    head = ("CHECKPOINT", "MODEL", "TEST LOSS", "", "", "", "SIZE", "MADE")
    emit(found, as_json, columns(rows, head) if rows else "No checkpoints yet: refact-tui train start")


@verb(checkpoints, "show")
@click.argument("name", metavar="RUN:STEP")
@click.option("--files", "with_files", is_flag=True, help="List exactly which files taught it.")
def show(name: str, with_files: bool, as_json: bool) -> None:
    """One checkpoint: where it lies, what it is worth, and with --files what taught it."""
    with connect() as client:
        found = client.get(path_of(POINTS, name), wire.Checkpoint)
        taught = client.get(f"{path_of(POINTS, name)}/files", list[wire.TaughtFile]) if with_files else []
    if with_files:
        emit(
            taught,
            as_json,
            columns([(one.set, one.sha256[:12], one.path) for one in taught], ("SET", "SHA256", "PATH")),
        )
    else:
        emit(found, as_json, "\n".join([found.id, *words_of_checkpoints.detail_lines(found, None)]))


@verb(checkpoints, "export")
@click.argument("name", metavar="RUN:STEP")
@click.argument("folder", required=False)
@click.option("--merged", is_flag=True, help="The whole model, not only the adapter.")
def export(name: str, folder: str | None, merged: bool, as_json: bool) -> None:
    """Write a checkpoint to a new folder, with a note how to load it into vLLM, transformers and llama.cpp."""
    where = str(Path(folder).expanduser().absolute()) if folder else ""

    def tell(job: wire.Job, progress: Progress) -> None:
        progress.job("export", job)

    with connect() as client:
        begun = client.post(f"{path_of(POINTS, name)}/export", wire.Export(path=where, merged=merged), wire.Exported)
        ended = ("done", "stopped", "failed")
        job = wait(client, f"/jobs/{begun.job}", wire.Job, lambda one: one.state in ended, tell)
    if job.state != "done":
        raise Failure(job.message, job.hint, job.state)
    emit(begun, as_json, f"{name} is in {begun.path}; its README.md says how to load it.")


@verb(checkpoints, "pin")
@click.argument("name", metavar="RUN:STEP")
@click.option("--off", is_flag=True, help="Let it be pruned again.")
def pin(name: str, off: bool, as_json: bool) -> None:
    """Keep a checkpoint whatever its loss; of the others a run keeps the best three and the newest."""
    with connect() as client:
        found = client.post(f"{path_of(POINTS, name)}/pin", wire.Pin(pinned=not off), wire.Checkpoint)
    emit(found, as_json, f"{name} may be pruned again." if off else f"{name} is pinned.")


@verb(checkpoints, "delete")
@click.argument("name", metavar="RUN:STEP")
@yes_or_no
def delete(name: str, yes: bool, as_json: bool) -> None:
    """Move a checkpoint to the trash; it stays there for two weeks."""
    with connect() as client:
        found = client.get(path_of(POINTS, name), wire.Checkpoint)
        if found.best and not yes:
            raise Failure(f"{name} is the best of its run.", "Agree with --yes.", "refused", REFUSED)
        client.delete(path_of(POINTS, name))
    emit(found, as_json, f"Deleted {name}. Back again: refact-tui checkpoints restore {name}")


@verb(checkpoints, "restore")
@click.argument("name", metavar="RUN:STEP")
def restore(name: str, as_json: bool) -> None:
    """Bring a deleted checkpoint back."""
    with connect() as client:
        client.post(f"{path_of('/trash', name)}/restore", wire.Restore(kind="checkpoint"), dict)
        found = client.get(path_of(POINTS, name), wire.Checkpoint)
    emit(found, as_json, f"{name} is back.")
