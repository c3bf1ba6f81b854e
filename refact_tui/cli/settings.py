"""`settings list|get|set`: where completions are served."""

import click

from backend import wire
from refact_tui.cli.engine_link import connect, path_of
from refact_tui.cli.output import USAGE, Failure, columns, emit
from refact_tui.cli.verbs import root, verb

SETTINGS = "/settings"


@root.group()
def settings() -> None:
    """Where completions are served; the environment and `engine start --host --port` go before these."""


@verb(settings, "list")
def list_all(as_json: bool) -> None:
    """Every setting with its meaning."""
    with connect() as client:
        found = client.get(SETTINGS, list[wire.ServeSetting])
    rows = [(one.name, one.value or "–", one.meaning) for one in found]
    emit(found, as_json, columns(rows, ("SETTING", "VALUE", "")))


@verb(settings, "get")
@click.argument("name")
def get(name: str, as_json: bool) -> None:
    """The value of one."""
    with connect() as client:
        found = next((one for one in client.get(SETTINGS, list[wire.ServeSetting]) if one.name == name), None)
    if found is None:
        raise Failure(f"There is no setting called {name!r}.", "See `refact-tui settings list`.", "not_found")
    emit(found, as_json, found.value)


@verb(settings, "set")
@click.argument("name")
@click.argument("value", required=False)
@click.option("--default", "default", is_flag=True, help="Go back to the default.")
def set_one(name: str, value: str | None, default: bool, as_json: bool) -> None:
    """Change one."""
    if (value is None) != default:
        raise Failure("Give a value, or --default.", "", "usage", USAGE)
    with connect() as client:
        found = client.post(path_of(SETTINGS, name), wire.SetSetting(value=value), wire.ServeSetting)
    told = f"{name} is {found.value or 'not set'}."
    emit(found, as_json, told if found.at_once else f"{told} It takes effect with: refact-tui engine restart")
