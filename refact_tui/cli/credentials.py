"""`credentials list|set|remove|hosts|forget-host`: keys and tokens for private repositories, and pinned servers."""

import sys

import click

from backend import wire
from refact_tui import words
from refact_tui.cli.engine_link import connect, path_of
from refact_tui.cli.output import REFUSED, USAGE, Failure, columns, emit
from refact_tui.cli.verbs import root, verb, yes_or_no

CREDENTIALS = "/credentials"


@root.group()
def credentials() -> None:
    """Keys and tokens for private repositories; what is secret is never shown again."""


@verb(credentials, "list")
def list_all(as_json: bool) -> None:
    """Every key with its public part, and every token by its name."""
    with connect() as client:
        found = client.get(CREDENTIALS, list[wire.Credential])
    rows = [
        (
            one.name,
            one.kind,
            words.ago(one.created),
            ", ".join(one.used_by) or words.NONE,
            one.public_key or words.NONE,
        )
        for one in found
    ]
    head = ("NAME", "KIND", "MADE", "USED BY", "PUBLIC KEY")
    emit(found, as_json, columns(rows, head) if rows else "No credentials yet.")


@verb(credentials, "set")
@click.argument("name")
@click.option("--token", "from_stdin", is_flag=True, help="Keep a token, read from stdin; else an SSH key is made.")
@click.option("--replace", is_flag=True, help="Put the token in the place of the one of this name.")
def set_one(name: str, from_stdin: bool, replace: bool, as_json: bool) -> None:
    """Make an SSH key (Ed25519) and show its public part, or keep a token."""
    if replace and not from_stdin:
        raise Failure("Only a token can be replaced.", "Give --token too.", "usage", USAGE)
    token = None
    if from_stdin:
        asked = click.prompt("token", hide_input=True, err=True) if sys.stdin.isatty() else sys.stdin.read()
        token = str(asked)
    with connect() as client:
        made = client.post(CREDENTIALS, wire.NewCredential(name=name, token=token, replace=replace), wire.Credential)
    told = f"{made.public_key}\nGive this key read access at the git server, then: sources add URL --credential {name}"
    emit(made, as_json, told if made.public_key else f"Kept {name}. Use it: sources add URL --credential {name}")


@verb(credentials, "remove")
@click.argument("name")
@yes_or_no
def remove(name: str, yes: bool, as_json: bool) -> None:
    """Forget a key or token; one that a source uses stays."""
    if not yes:
        told = f"This deletes {name} for good: it cannot be brought back."
        raise Failure(told, "Agree with --yes.", "refused", REFUSED)
    with connect() as client:
        client.delete(path_of(CREDENTIALS, name))
    emit({}, as_json, f"Removed {name}.")


@verb(credentials, "hosts")
def list_hosts(as_json: bool) -> None:
    """Every git server whose key is pinned, with its fingerprint."""
    with connect() as client:
        found = client.get(f"{CREDENTIALS}/hosts", list[wire.PinnedHost])
    rows = [(one.host, ", ".join(one.fingerprints), ", ".join(one.used_by) or words.NONE) for one in found]
    told = "No server is pinned yet: its key is kept at the first connection by ssh."
    emit(found, as_json, columns(rows, ("HOST", "FINGERPRINT", "USED BY")) if rows else told)


@verb(credentials, "forget-host")
@click.argument("host")
def forget_host(host: str, as_json: bool) -> None:
    """Forget a git server's pinned key, when its owner says that it has changed; [HOST]:PORT for another port."""
    with connect() as client:
        client.post(f"{CREDENTIALS}/forget-host", {"host": host}, dict)
    told = f"Forgot the key of {host}; the next one that it shows is pinned."
    emit({}, as_json, f"{told} Back again: refact-tui trash restore {host}")
