"""`models list|families|add|remove`: base models beside the starter."""

from pathlib import Path

import click

from backend import wire
from refact_tui import words
from refact_tui.cli.engine_link import connect, job_of, path_of, wait
from refact_tui.cli.output import REFUSED, Failure, Progress, columns, emit
from refact_tui.cli.verbs import root, verb, yes_or_no
from refact_tui.client import Client

MODELS = "/models"
ENDED = ("ready", "stopped", "failed")


@root.group()
def models() -> None:
    """Base models to scan with, fine-tune and serve."""


@verb(models, "list")
def list_all(as_json: bool) -> None:
    """Every model; --json shows all that was found in each."""
    with connect() as client:
        found = client.get(MODELS, list[wire.Model])
    head = ("NAME", "FAMILY", "SIZE", "CONTEXT", "INFILLING", "SUPPORTS", "STATE", "")
    emit(found, as_json, columns([_row(one) for one in found], head))


@verb(models, "families")
def list_families(as_json: bool) -> None:
    """What is known of families of models, and which of them the hub has."""
    with connect() as client:
        found = client.get("/model-families", list[wire.Family])
    rows = [(one.name, one.layout, ", ".join(one.supports), one.licence, one.memory) for one in found]
    names = [f"  {one.name:<16} {', '.join(one.hub)}" for one in found if one.hub]
    table = columns(rows, ("FAMILY", "INFILLING", "SUPPORTS", "LICENCE", "MEMORY"))
    emit(found, as_json, "\n".join([table, "", "On the hub:", *names]))


@verb(models, "add")
@click.argument("what", metavar="HUB_NAME|FOLDER")
@click.option("--name", help="What to call it; else the last part of WHAT.")
@click.option("--family", help="Its family; else found by its tokenizer.")
@click.option("--revision", help="Branch, tag or commit on the hub; else main.")
@click.option("--credential", help="Token to download it with: see `credentials`.")
@click.option(
    "--allow-pickle", is_flag=True, default=None, help="Take pickled weights too (a stranger's code may run)."
)
@click.option("--trust-remote-code", is_flag=True, default=None, help="Run the model's own Python code.")
@click.option("--wait", "waiting", is_flag=True, help="Return when it has been checked.")
def add(
    what: str,
    name: str | None,
    family: str | None,
    revision: str | None,
    credential: str | None,
    allow_pickle: bool | None,
    trust_remote_code: bool | None,
    waiting: bool,
    as_json: bool,
) -> None:
    """Add a model from the hub or a folder; what was broken off is taken up again."""
    request = wire.AddModel(
        what=local(what),
        name=name,
        family=family,
        revision=revision,
        credential=credential,
        allow_pickle=allow_pickle,
        trust_remote_code=trust_remote_code,
    )
    with connect() as client:
        model = client.post(MODELS, request, wire.Model)
        if waiting:
            model = until_added(client, model.name)
    emit(model, as_json, model_text(model))


@verb(models, "remove")
@click.argument("name")
@yes_or_no
def remove(name: str, yes: bool, as_json: bool) -> None:
    """Move a model and what was downloaded of it to the trash; a folder of yours stays where it is."""
    with connect() as client:
        found = client.get(path_of(MODELS, name), wire.Model)
        tuned = [one for one in client.get("/checkpoints", list[wire.Checkpoint]) if one.model == name]
        lost = [f"{words.size(found.size)} that were downloaded"] if found.kind == "hub" and found.size else []
        lost += [f"the use of {words.plural(len(tuned), 'checkpoint')}"] if tuned else []
        if lost and not yes:
            raise Failure(f"This takes away {' and '.join(lost)}.", "Agree with --yes.", "refused", REFUSED)
        client.delete(path_of(MODELS, name))
    kept = f" Its {words.size(found.size)} are freed by: refact-tui trash empty {name}" if found.kind == "hub" else ""
    emit(found, as_json, f"Removed {name}. Back again: refact-tui trash restore {name}{kept}")


def local(what: str) -> str:
    """A folder of this box by its whole path; anything else is a name for the engine."""
    path = Path(what).expanduser()
    written = what.startswith((".", "/", "~"))
    return str(path.absolute()) if written or path.is_dir() else what


def until_added(client: Client, name: str) -> wire.Model:
    """Wait until a model has been checked. Raises Failure where it was refused or stopped."""

    def show(model: wire.Model, progress: Progress) -> None:
        job = job_of(client, model.job)
        if job is None:
            progress.show(f"{name}: {model.state}")
        else:
            progress.job(name, job)

    found = wait(client, path_of(MODELS, name), wire.Model, lambda one: one.state in ENDED, show)
    if found.state != "ready":
        raise Failure(f"{name} could not be added: {found.detail}", "", "model")
    return found


def model_text(model: wire.Model) -> str:
    """A model in a few lines."""
    if model.state != "ready":
        return f"{model.name}: {model.state}. {model.detail}".strip()
    lines = [
        f"{model.name}: {model.family}, {words.parameters(model.parameters)} parameters, "
        f"context {words.count(model.context)}",
        f"infilling: {model.layout} {' '.join(model.marks)}".rstrip(),
        f"supports: {', '.join(model.supports)}; licence: {model.licence}",
        f"adapters on: {', '.join(model.targets)}",
    ]
    return "\n".join([*lines, *([model.detail] if model.detail else [])])


def _row(one: wire.Model) -> tuple[str, ...]:
    ready = one.state == "ready"
    facts = (
        one.family,
        words.parameters(one.parameters),
        words.count(one.context),
        one.layout,
        ", ".join(one.supports),
    )
    state = "hosted" if one.hosted else one.state
    return (one.name, *(facts if ready else ("", "", "", "", "")), state, one.detail)
