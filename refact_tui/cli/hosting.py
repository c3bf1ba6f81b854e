"""`serve list|host|unhost`: which base models answer on the endpoint."""

from typing import get_args

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
        (
            one.model,
            one.state,
            one.device,
            one.dtype,
            words.count(one.context),
            one.mode,
            one.checkpoint or "base",
            words.count(one.requests),
            one.detail,
        )
        for one in found
    ]
    titles = ("MODEL", "STATE", "DEVICE", "DTYPE", "CONTEXT", "MODE", "ANSWERS FROM", "REQUESTS", "")
    emit(found, as_json, columns(rows, titles))


@verb(serve, "host")
@click.argument("model")
@click.option("--device", default="auto", show_default=True, help="auto, cpu, a GPU's number, or several: 0,1.")
@click.option("--dtype", type=click.Choice(get_args(wire.HostDtype)), default="auto", show_default=True)
@click.option("--quantisation", type=click.Choice(get_args(wire.HostQuantisation)), default="none", show_default=True)
@click.option("--context", type=int, help="Tokens that it reads at most; else what the model can.")
@click.option("--memory", "memory_gb", type=click.FloatRange(0.1), help="GB that it may take, caches and all.")
@click.option("--share/--no-share", default=True, help="Whether others may be put on its GPUs.")
@click.option("--wait", "waiting", is_flag=True, help="Return when it answers.")
def host(
    model: str,
    device: str,
    dtype: wire.HostDtype,
    quantisation: wire.HostQuantisation,
    context: int | None,
    memory_gb: float | None,
    share: bool,
    waiting: bool,
    as_json: bool,
) -> None:
    """Host one more model, or place one anew; requests name it as `model`."""
    placement = wire.Placement(
        device=device, dtype=dtype, quantisation=quantisation, context=context, memory_gb=memory_gb, share=share
    )

    def show(found: list[wire.Serving], progress: Progress) -> None:
        one = next((one for one in found if one.model == model), made)
        progress.show(f"{model}: {one.state} {one.detail if one.state == 'downloading' else ''}".rstrip())

    with connect() as client:
        made = client.post(HOSTS, wire.HostModel(model=model, placement=placement), wire.Serving)
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
