"""`projects list|add|use|remove`: data sets beside each other."""

import click

from backend import wire
from refact_tui import words
from refact_tui.cli.engine_link import connect, path_of
from refact_tui.cli.output import REFUSED, Failure, columns, emit
from refact_tui.cli.verbs import root, verb, yes_or_no

PROJECTS = "/projects"


@root.group()
def projects() -> None:
    """Data sets beside each other, each with its sources, scan settings and runs."""


@verb(projects, "list")
def list_all(as_json: bool) -> None:
    """Every project; the one that screens show and verbs are about is marked."""
    with connect() as client:
        found = client.get(PROJECTS, list[wire.Project])
    rows = [
        ("▸" if one.shown else "", one.name, words.count(one.sources), words.count(one.files), words.count(one.runs))
        for one in found
    ]
    emit(found, as_json, columns(rows, ("", "NAME", "SOURCES", "FILES", "RUNS")))


@verb(projects, "add")
@click.argument("name")
def add(name: str, as_json: bool) -> None:
    """Make an empty project and show it."""
    with connect() as client:
        made = client.post(PROJECTS, wire.NewProject(name=name), wire.Project)
    emit(made, as_json, f"Made {name}; screens and verbs are about it now. Next: sources add WHAT")


@verb(projects, "use")
@click.argument("name")
def use(name: str, as_json: bool) -> None:
    """Show a project, on every screen; what is under way in another goes on."""
    with connect() as client:
        shown = client.post(f"{path_of(PROJECTS, name)}/use", None, wire.Project)
    emit(shown, as_json, f"Screens and verbs are about {name} now.")


@verb(projects, "remove")
@click.argument("name")
@yes_or_no
def remove(name: str, yes: bool, as_json: bool) -> None:
    """Move a project with its sources and scan to the trash; its runs and checkpoints move to the project default."""
    with connect() as client:
        found = client.get(path_of(PROJECTS, name), wire.Project)
        if found.sources and not yes:
            lost = words.plural(found.sources, "source")
            told = f"This moves {name} with {lost} and its scan to the trash."
            raise Failure(told, "Agree with --yes.", "refused", REFUSED)
        client.delete(path_of(PROJECTS, name))
    emit(found, as_json, f"Removed {name}. Back again: refact-tui trash restore {name}")
