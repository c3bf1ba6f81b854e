"""`sources add|list|sync|set|remove`: bring code in."""

import sys
import time
from collections.abc import Iterator
from pathlib import Path

import click

from backend import wire
from refact_tui import words
from refact_tui.cli.engine_link import connect, job_of, path_of, wait
from refact_tui.cli.output import REFUSED, USAGE, Failure, Progress, columns, emit
from refact_tui.cli.verbs import root, verb, yes_or_no
from refact_tui.client import Client

SETS = click.Choice(["auto", "train", "test"])


@root.group()
def sources() -> None:
    """Code to learn from: git repositories, folders, archives, files."""


@verb(sources, "add")
@click.argument("what")
@click.option("--name", help="What to call it; else the last part of WHAT.")
@click.option("--branch", help="Branch or tag of a repository; else its default.")
@click.option("--subfolder", help="Only this folder of it.")
@click.option("--credential", help="Key or token to fetch it with: see `credentials`.")
@click.option("--set", "set_name", type=SETS, default="auto", show_default=True, help="What its files are for.")
@click.option("--wait", "waiting", is_flag=True, help="Return when it has been read.")
def add(
    what: str,
    name: str | None,
    branch: str | None,
    subfolder: str | None,
    credential: str | None,
    set_name: wire.SetName,
    waiting: bool,
    as_json: bool,
) -> None:
    """Add a git URL, or a repository, folder, archive or file of this box; `-` reads an archive or file from stdin."""
    if what == "-":
        if not name or branch or subfolder or credential:
            raise Failure("What comes on stdin needs --name x.tgz, and nothing else.", "", "usage", USAGE)
        with connect() as client:
            source = client.upload("/sources/upload", uploaded(name), wire.Source, name=name, set=set_name)
            if waiting:
                source = until_read(client, source.name)
        emit(source, as_json, source_text(source))
        return
    request = wire.AddSource(
        what=local(what), name=name, branch=branch, subfolder=subfolder, set=set_name, credential=credential
    )
    with connect() as client:
        source = client.post("/sources", request, wire.Source)
        if waiting:
            source = until_read(client, source.name)
    emit(source, as_json, source_text(source))


@verb(sources, "list")
def list_sources(as_json: bool) -> None:
    """Every source and how it stands."""
    with connect() as client:
        found = client.get("/sources", list[wire.Source])
    head = ("NAME", "KIND", "SET", "STATE", "FILES", "ACCEPTED", "COMMIT", "READ")
    emit(
        found,
        as_json,
        columns([_row(one) for one in found], head) if found else "No sources yet: refact-tui sources add WHAT",
    )


@verb(sources, "sync")
@click.argument("name")
@click.option("--wait", "waiting", is_flag=True, help="Return when it has been read.")
def sync(name: str, waiting: bool, as_json: bool) -> None:
    """Read a source again."""
    with connect() as client:
        source = client.post(f"{path_of('/sources', name)}/sync", None, wire.Source)
        if waiting:
            source = until_read(client, name)
    emit(source, as_json, source_text(source))


@verb(sources, "set")
@click.argument("name")
@click.argument("set_name", type=SETS, metavar="auto|train|test")
def set_set(name: str, set_name: str, as_json: bool) -> None:
    """Say what a source's files are for; the next scan follows."""
    with connect() as client:
        source = client.post(f"{path_of('/sources', name)}/set", {"set": set_name}, wire.Source)
    emit(source, as_json, source_text(source))


@verb(sources, "remove")
@click.argument("name")
@yes_or_no
def remove(name: str, yes: bool, as_json: bool) -> None:
    """Move a source and what was found in it to the trash; what lies at its location stays."""
    with connect() as client:
        source = client.get(path_of("/sources", name), wire.Source)
        if not yes:
            told = f"This moves {name} and its scanned files to the trash."
            raise Failure(told, "Agree with --yes.", "refused", REFUSED)
        client.delete(path_of("/sources", name))
    emit(source, as_json, f"Removed {name}. Back again: refact-tui trash restore {name}")


def uploaded(name: str) -> Iterator[bytes]:
    """What comes on stdin, piece by piece, while it is said how much of it has been."""
    progress, began, done = Progress(), time.monotonic(), 0
    try:
        while piece := sys.stdin.buffer.read(1 << 20):
            yield piece
            done += len(piece)
            spent = time.monotonic() - began
            progress.show(f"sending {name}", done, unit="bytes", rate=done / spent if spent > 1 else None)
    finally:
        progress.end()


def local(what: str) -> str:
    """A path of this box as a whole path; a URL or HOST:PATH as it is."""
    here = Path(what).expanduser()
    is_address = "://" in what or "::" in what or ("@" in what and ":" in what and not here.exists())
    return what if is_address or what.startswith("-") or not what else str(here.absolute())


def until_read(client: Client, name: str) -> wire.Source:
    """Wait until a source was read. Raises Failure where it could not be."""

    def show(source: wire.Source, progress: Progress) -> None:
        job = job_of(client, source.job)
        if job:
            progress.job(name, job)

    found = wait(client, path_of("/sources", name), wire.Source, lambda one: one.state in ("ready", "failed"), show)
    if found.state == "failed":
        raise Failure(f"{name} could not be read: {found.detail}", "", "source")
    return found


def source_text(source: wire.Source) -> str:
    """One source in a sentence."""
    files = f", {words.plural(source.files, 'file')}" if source.files is not None else ""
    commit = f", commit {source.commit[:10]}" if source.commit else ""
    return f"{source.name}: {source.kind}, set {source.set}, {source.state}{files}{commit}. {source.detail}".strip()


def _row(one: wire.Source) -> tuple[str, ...]:
    counts = (words.count(one.files), words.count(one.accepted))
    return (one.name, one.kind, one.set, one.state, *counts, (one.commit or words.NONE)[:10], words.ago(one.synced))
