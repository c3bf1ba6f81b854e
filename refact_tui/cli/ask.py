"""`ask`, `serve elsewhere`: questions about code to a model that chats, and which of those leave this box."""

from pathlib import Path

import click

from backend import wire
from refact_tui.cli.engine_link import LONG_S, connect
from refact_tui.cli.hosting import serve
from refact_tui.cli.output import columns, emit, tell, waiting
from refact_tui.cli.verbs import root, verb


@verb(root, "ask")
@click.argument("command", required=False, metavar="[COMMAND]")
@click.argument("place", required=False, metavar="[FILE[:FROM[-TO]]]")
@click.option("--say", default="", help="Your own words; without a command they are all that is asked.")
@click.option("--model", help="MODEL, MODEL:RUN:STEP or SERVER/MODEL; else the first that chats.")
@click.option("--max-tokens", type=click.IntRange(1, 100_000), default=1024, show_default=True)
def ask(command: str | None, place: str | None, say: str, model: str | None, max_tokens: int, as_json: bool) -> None:
    """Ask a model about lines of a file: explain, bugs, naming …; alone it lists the commands."""
    with connect() as client:
        if not command and not say:
            listed = client.get("/toolbox", list[wire.ToolboxCommand])
            rows = [(one.name, one.title, _lines(one)) for one in listed]
            emit(listed, as_json, columns(rows, ("COMMAND", "", "LINES")))
            return
        file, line, code = lines_of(place) if place else ("", 0, "")
        question = wire.Ask(
            command=command, code=code, file=file, line=line, said=say, model=model, max_tokens=max_tokens
        )
        with waiting(f"asking {model or 'a model'}"):
            said = client.post("/ask", question, wire.Said, timeout_s=LONG_S)
    if said.leaves_box:
        tell(f"{said.model} is not on this box: the question left it.")
    emit(said, as_json, said.text, exact=True)


def _lines(one: wire.ToolboxCommand) -> str:
    return f"{one.fewest}-{one.most}" if one.most else "none"


def lines_of(place: str) -> tuple[str, int, str]:
    """The file, the first line and the text of `FILE`, `FILE:FROM` or `FILE:FROM-TO`, counted from 1.

    Raises click.UsageError for a place that is none."""
    name, colon, span = place.rpartition(":")
    first, _, last = span.partition("-")
    if not colon or not first.isdigit() or not (last.isdigit() or not last):
        name, first, last = place, "1", ""
    try:
        lines = Path(name).read_text(encoding="utf-8").splitlines(keepends=True)
    except (OSError, UnicodeDecodeError) as error:
        raise click.UsageError(f"{name} cannot be read: {error}.") from error
    start, end = int(first), int(last) if last else int(first) if colon and name != place else len(lines)
    if not 1 <= start <= end <= max(len(lines), 1):
        raise click.UsageError(f"{place!r} is no place in a file of {len(lines)} lines.")
    return name, start, "".join(lines[start - 1 : end]).rstrip("\n")


@verb(serve, "elsewhere")
def elsewhere(as_json: bool) -> None:
    """Models of other servers (upstreams.toml): what is asked of them leaves this box."""
    with connect() as client:
        found = client.get("/elsewhere", list[wire.ModelElsewhere])
    rows = [(one.name, one.server, one.credential or "none", "leaves this box") for one in found]
    none = "None: name a server in upstreams.toml in the state folder."
    emit(found, as_json, columns(rows, ("MODEL", "SERVER", "CREDENTIAL", "")) if rows else none)
