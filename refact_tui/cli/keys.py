"""`keys create|list|revoke`: who may ask for completions, and how much."""

import click

from backend import wire
from refact_tui import words
from refact_tui.cli.engine_link import connect, path_of
from refact_tui.cli.output import REFUSED, Failure, columns, emit, tell
from refact_tui.cli.verbs import root, verb, yes_or_no

KEYS = "/keys"
NO_KEYS = "No API keys yet: this box itself is served without one, other machines are not served at all."


@root.group()
def keys() -> None:
    """API keys: one for each person or program; shown when it is made and never again."""


@verb(keys, "create")
@click.argument("name")
@click.option("--requests-per-minute", type=click.IntRange(min=1), help="How often it may ask.")
@click.option("--concurrent", type=click.IntRange(min=1), help="How many requests of it may be under way at once.")
def create(name: str, requests_per_minute: int | None, concurrent: int | None, as_json: bool) -> None:
    """Make a key and print it, this once."""
    wanted = wire.NewApiKey(name=name, requests_per_minute=requests_per_minute, concurrent=concurrent)
    with connect() as client:
        made = client.post(KEYS, wanted, wire.MadeApiKey)
    emit(made, as_json, made.key)
    tell(f"Keep it now: it is never shown again. If it is lost: refact-tui keys revoke {name}, and make another.")


@verb(keys, "list")
def list_all(as_json: bool) -> None:
    """Every key: how it begins, when it was used last, and its limits."""
    with connect() as client:
        found = client.get(KEYS, list[wire.ApiKey])
    rows = [
        (
            one.name,
            f"{one.hint}…",
            words.ago(one.created),
            words.ago(one.last_used) if one.last_used else "never",
            words.count(one.requests_per_minute),
            words.count(one.concurrent),
        )
        for one in found
    ]
    head = ("NAME", "KEY", "MADE", "LAST USED", "A MINUTE", "AT ONCE")
    emit(found, as_json, columns(rows, head) if rows else NO_KEYS)


@verb(keys, "revoke")
@click.argument("name")
@yes_or_no
def revoke(name: str, yes: bool, as_json: bool) -> None:
    """Answer a key no longer; what is under way ends as it would have."""
    if not yes:
        told = f"Whoever uses {name} is served no longer, and the key cannot be brought back."
        raise Failure(told, "Agree with --yes.", "refused", REFUSED)
    with connect() as client:
        client.delete(path_of(KEYS, name))
    emit({}, as_json, f"Revoked {name}.")
