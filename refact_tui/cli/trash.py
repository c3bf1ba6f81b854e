"""`trash list|restore|empty`: what was deleted, the way back, and what it takes on disk."""

from typing import get_args

import click

from backend import wire
from refact_tui import words
from refact_tui import words_of_trash as say
from refact_tui.cli.engine_link import connect, path_of
from refact_tui.cli.output import REFUSED, Failure, columns, emit
from refact_tui.cli.verbs import root, verb, yes_or_no

TRASH = "/trash"
PATIENCE_S = 600.0
"""For a source of a million files."""
HEAD = ("NAME", "WHAT", "PROJECT", "SIZE", "DELETED", "KEPT FOR", "ID")


@root.group()
def trash() -> None:
    """What was deleted and can be brought back."""


@verb(trash, "list")
def list_all(as_json: bool) -> None:
    """Everything in it, the newest first, with what it takes on disk and how long it stays."""
    with connect() as client:
        found = client.get(TRASH, list[wire.Trashed])
    rows = [(*(text for text, _ in row.cells), row.key) for row in say.rows(found)]
    emit(found, as_json, f"{columns(rows, HEAD)}\n{say.whole(found)}" if rows else f"Empty; {say.whole(found)}.")


@verb(trash, "restore")
@click.argument("name", metavar="NAME|ID")
@click.option("--kind", type=click.Choice(get_args(wire.TrashKind)), help="Where several things have this name.")
def restore(name: str, kind: wire.TrashKind | None, as_json: bool) -> None:
    """Bring back what was deleted last by this name, as it was."""
    with connect() as client:
        found = client.post(f"{path_of(TRASH, name)}/restore", wire.Restore(kind=kind), wire.Trashed, PATIENCE_S)
    emit(found, as_json, f"{found.name} is back ({say.kind(found)}).")


@verb(trash, "empty")
@click.argument("name", required=False, metavar="[NAME|ID]")
@yes_or_no
def empty(name: str | None, yes: bool, as_json: bool) -> None:
    """Delete one thing in it for good, or everything, and free its space."""
    with connect() as client:
        known = client.get(TRASH, list[wire.Trashed])
        meant = [one for one in known if name in (None, one.name, one.id)][: 1 if name else None]
        if meant and not yes:
            taken = words.size(sum(one.size for one in meant))
            lost = meant[0].name if name else words.plural(len(meant), "thing")
            raise Failure(f"This deletes {lost} for good ({taken}).", "Agree with --yes.", "refused", REFUSED)
        gone = client.post(f"{TRASH}/empty", wire.EmptyTrash(name=name), list[wire.Trashed])
    freed = words.size(sum(one.size for one in gone))
    emit(gone, as_json, f"Deleted {words.plural(len(gone), 'thing')} for good: {freed}.")
