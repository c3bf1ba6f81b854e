"""Other people's code that lies inside a source, by Linguist's patterns over the path relative to the source's root."""

import re
from collections.abc import Iterable
from dataclasses import dataclass
from functools import cache, lru_cache

from backend.scan.linguist.tables import data

AT_A_NAME = "(^|/)"
"""How most patterns begin."""
AFTER_ANYTHING = "(.*?)"
"""How some begin, which says nothing and costs much."""
OF_THE_WEB = re.compile(r"\b(?:js|css|less|scss|styl|sass)\)?\$?$")
WEB = (".js", ".css", ".less", ".scss", ".styl", ".sass")
NEVER = "(?!)"


def vendored(path: str) -> str | None:
    """Which part of the path says so, in words; None for code of one's own."""
    _, files, web = _rules()
    folder = path[: path.rfind("/") + 1]
    part = _in_folder(folder) if folder else None
    if part is None:
        # Linguist's patterns for scripts and styles are many, and of no other file.
        part = files.part(path) or (web.part(path) if any(end in path for end in WEB) else None)
    if part is None:
        return None
    return f"its path has {part.strip('/') or part!r}, as other people's code has"


@dataclass(frozen=True)
class Patterns:
    """Any of several patterns, sorted by how they begin: each is tried only where it can hold."""

    named: re.Pattern[str]
    """After a slash, which the path's beginning counts as."""
    first: re.Pattern[str]
    """At the path's beginning."""
    anywhere: re.Pattern[str]

    def part(self, path: str) -> str | None:
        """The first part that one of them finds."""
        path = f"/{path}"
        tried = (self.named.search(path), self.first.match(path, 1), self.anywhere.search(path, 1))
        found = [one for one in tried if one]
        return min(found, key=lambda one: one.start())[0] if found else None


@lru_cache(maxsize=4096)
def _in_folder(folder: str) -> str | None:
    return _rules()[0].part(folder)


@cache
def _rules() -> tuple[Patterns, Patterns, Patterns]:
    """Patterns of folders, of single files, and of what browsers load."""
    every = [line for line in data("vendored.txt").splitlines() if not line.startswith("#")]
    folders = [one for one in every if one.endswith("/")]
    web = [one for one in every if one not in folders and OF_THE_WEB.search(one)]
    files = [one for one in every if one not in folders and one not in web]
    return _any_of(folders), _any_of(files), _any_of(web)


def _any_of(patterns: list[str]) -> Patterns:
    named = [one.removeprefix(AT_A_NAME) for one in patterns if one.startswith(AT_A_NAME)]
    first = [one.removeprefix("^") for one in patterns if one.startswith("^")]
    others = [one.removeprefix(AFTER_ANYTHING) for one in patterns if not one.startswith((AT_A_NAME, "^"))]
    return Patterns(_one_of(named, "/"), _one_of(first), _one_of(others))


def _one_of(patterns: Iterable[str], prefix: str = "") -> re.Pattern[str]:
    return re.compile(f"{prefix}(?:{'|'.join(patterns) or NEVER})", re.ASCII)
