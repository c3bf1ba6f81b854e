"""Linguist's tables: languages by extension, file name, interpreter and alias, each in Linguist's order."""

import json
from dataclasses import dataclass
from functools import cache
from importlib import resources
from typing import Any, Literal

Kind = Literal["programming", "markup", "data", "prose"]
Index = dict[str, tuple[str, ...]]


@dataclass(frozen=True)
class Tables:
    """Candidates for what a name or a first line says; of several the text decides."""

    kinds: dict[str, Kind]
    extensions: Index
    """By extension in lower case, with its dot."""
    filenames: Index
    interpreters: Index
    aliases: dict[str, str]
    """By name in lower case, blanks as dashes, and by what editors call it."""


def data(name: str) -> str:
    """The text of a data file."""
    return resources.files("backend.scan.linguist").joinpath("data", name).read_text("utf-8")


def notice() -> str:
    """Where the data come from, in which version, and by which licence."""
    return str(json.loads(data("languages.json"))[""])


@cache
def tables() -> Tables:
    """Read once a process."""
    loaded: dict[str, dict[str, Any]] = json.loads(data("languages.json"))
    del loaded[""]
    aliases: dict[str, str] = {}
    for name, facts in loaded.items():
        for alias in (name.lower().replace(" ", "-"), *facts.get("aliases", ())):
            aliases.setdefault(alias.lower(), name)
    return Tables(
        kinds={name: facts["type"] for name, facts in loaded.items()},
        extensions=_index(loaded, "extensions", lower=True),
        filenames=_index(loaded, "filenames"),
        interpreters=_index(loaded, "interpreters"),
        aliases=aliases,
    )


def is_code(language: str) -> bool:
    """Programming languages and markup that carries code; data and prose are none, nor is what nobody knows."""
    return tables().kinds.get(language) in {"programming", "markup"}


def _index(loaded: dict[str, dict[str, Any]], key: str, lower: bool = False) -> Index:
    found: dict[str, list[str]] = {}
    for name, facts in loaded.items():
        for entry in facts.get(key, ()):
            names = found.setdefault(entry.lower() if lower else entry, [])
            if name not in names:
                names.append(name)
    return {entry: tuple(names) for entry, names in found.items()}
