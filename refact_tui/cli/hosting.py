"""`serve list|host|unhost`: which base models answer on the endpoint."""

import click

from backend import wire
from refact_tui import words
from refact_tui.cli.engine_link import connect, path_of, wait
from refact_tui.cli.output import Failure, Progress, columns, emit
from refact_tui.cli.verbs import root, verb

HOSTS = "/hosts"


@root.group()
def serve() -> None:
    """Which models answer on the endpoint."""


@verb(serve, "list")
def list_all(as_json: bool) -> None:
    """Every hosted model, the default first."""
    with connect() as client:
        found = client.get("/serving", list[wire.Serving])
    rows = [
        (one.model, one.state, one.mode, one.checkpoint or "base", words.count(one.requests), one.detail)
        for one in found
    ]
    emit(found, as_json, columns(rows, ("MODEL", "STATE", "MODE", "ANSWERS FROM", "REQUESTS", "")))


@verb(serve, "host")
@click.argument("model")
@click.option("--wait", "waiting", is_flag=True, help="Return when it answers.")
def host(model: str, waiting: bool, as_json: bool) -> None:
    """Host one more model; requests name it as `model`."""

    def show(found: list[wire.Serving], progress: Progress) -> None:
        progress.show(f"{model}: loading")

    with connect() as client:
        made = client.post(HOSTS, wire.HostModel(model=model), wire.Serving)
        if waiting:
            over = ("ready", "failed", "stopped")
            found = wait(
                client,
                "/serving",
                list[wire.Serving],
                lambda all_: all(one.state in over for one in all_ if one.model == model),
                show,
            )
            made = next((one for one in found if one.model == model), made)
    if made.state == "failed":
        raise Failure(f"{model} could not be hosted: {made.detail}", "Look at logs/worker.log in the state folder.")
    emit(made, as_json, f"{model}: {made.state}, answers from {made.checkpoint or 'its base'}.")


@verb(serve, "unhost")
@click.argument("model")
def unhost(model: str, as_json: bool) -> None:
    """Host a model no longer; requests under way end with an error."""
    with connect() as client:
        client.delete(path_of(HOSTS, model))
    emit({}, as_json, f"{model} is no longer hosted.")
