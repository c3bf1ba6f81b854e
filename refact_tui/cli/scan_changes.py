"""`scan masks|threshold|languages|include|exclude`: change what is accepted; applied at once, without the model."""

import click
import msgspec

from backend import wire
from refact_tui.cli.engine_link import connect
from refact_tui.cli.output import Failure, emit, waiting
from refact_tui.cli.scan import scan, scan_text
from refact_tui.cli.verbs import verb
from refact_tui.client import Client

SETTINGS = "/scan/settings"


def change(client: Client, **changes: object) -> str:
    """Keep other settings; what came of it, in words."""
    now = msgspec.structs.replace(client.get(SETTINGS, wire.ScanSettings), **changes)
    with waiting("judging the files anew"):
        found: wire.Scan | None = client.post(SETTINGS, now, wire.Scan | None, timeout_s=600)  # type: ignore[arg-type]
    return scan_text(found) if found else "Kept for the first scan."


@verb(scan, "masks")
@click.option("--include", multiple=True, metavar="PATTERN", help="Accept what it matches, where that may be.")
@click.option("--exclude", multiple=True, metavar="PATTERN", help="Reject what it matches.")
@click.option("--remove", multiple=True, metavar="PATTERN", help="Forget a mask.")
def masks(include: tuple[str, ...], exclude: tuple[str, ...], remove: tuple[str, ...], as_json: bool) -> None:
    """Show the masks, or change them; patterns as in .gitignore."""
    with connect() as client:
        now = client.get(SETTINGS, wire.ScanSettings)
        told = ""
        if include or exclude or remove:
            for pattern in set(remove) - {*now.include, *now.exclude}:
                raise Failure(f"There is no mask {pattern!r}.", "See them: refact-tui scan masks", "not_found")
            told = change(
                client, include=_with(now.include, include, remove), exclude=_with(now.exclude, exclude, remove)
            )
            now = client.get(SETTINGS, wire.ScanSettings)
    lines = [f"include  {one}" for one in now.include] + [f"exclude  {one}" for one in now.exclude]
    emit(now, as_json, "\n".join([*(lines or ["No masks."]), *([told] if told else [])]))


def _with(now: list[str], more: tuple[str, ...], fewer: tuple[str, ...]) -> list[str]:
    return [*(one for one in now if one not in fewer), *(one for one in more if one not in now)]


@verb(scan, "threshold")
@click.argument("value", type=float, required=False)
@click.option("--default", "own", is_flag=True, help="The model's own again.")
def threshold(value: float | None, own: bool, as_json: bool) -> None:
    """Show or move the loss above which a file is rejected, in nats per token."""
    with connect() as client:
        told = change(client, threshold=None if own else value) if own or value is not None else ""
        now = client.get(SETTINGS, wire.ScanSettings)
    shown = "the model's own" if now.threshold is None else f"{now.threshold:g} nats per token"
    emit(now, as_json, "\n".join(filter(None, [f"threshold  {shown}", told])))


@verb(scan, "languages")
@click.option("--on", multiple=True, metavar="LANGUAGE", help="Train on it too.")
@click.option("--off", multiple=True, metavar="LANGUAGE", help="Leave it out.")
@click.option("--default", "own", is_flag=True, help="Code with a meaningful share, as at first.")
def languages(on: tuple[str, ...], off: tuple[str, ...], own: bool, as_json: bool) -> None:
    """Switch languages on and off."""
    with connect() as client:
        now = client.get(SETTINGS, wire.ScanSettings)
        told = ""
        if on or off or own:
            old_on, old_off = ([], []) if own else (now.languages_on, now.languages_off)
            told = change(client, languages_on=_with(old_on, on, off), languages_off=_with(old_off, off, on))
            now = client.get(SETTINGS, wire.ScanSettings)
    lines = [f"on   {one}" for one in now.languages_on] + [f"off  {one}" for one in now.languages_off]
    emit(now, as_json, "\n".join([*(lines or ["As by default: code with a meaningful share."]), *filter(None, [told])]))


def by_hand(paths: tuple[str, ...], source: str | None, what: str, as_json: bool) -> None:
    """Decide single files; one that may not be included is a failure, after the others."""
    body = {"what": what, "paths": list(paths), "source": source}
    with connect() as client, waiting("judging the files anew"):
        done = client.post("/scan/by-hand", body, wire.ByHandDone, timeout_s=600)
    if done.refused:
        raise Failure("; ".join(done.refused) + ".", "", "refused")
    emit(done, as_json, scan_text(done.scan) if done.scan else "")


@verb(scan, "include")
@click.argument("paths", nargs=-1, required=True)
@click.option("--source", help="Of this source.")
def include(paths: tuple[str, ...], source: str | None, as_json: bool) -> None:
    """Accept single files that a mask, a switch or their loss rejects."""
    by_hand(paths, source, "include", as_json)


@verb(scan, "exclude")
@click.argument("paths", nargs=-1, required=True)
@click.option("--source", help="Of this source.")
@click.option("--undo", is_flag=True, help="Leave them to the rules again, included or excluded.")
def exclude(paths: tuple[str, ...], source: str | None, undo: bool, as_json: bool) -> None:
    """Reject single files."""
    by_hand(paths, source, "auto" if undo else "exclude", as_json)
