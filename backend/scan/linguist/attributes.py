"""`.gitattributes`: what a project says itself about the language and the origin of its files, as Linguist obeys it."""

import hashlib
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Any

from pathspec import GitIgnoreSpec

from backend.scan.linguist.tables import tables

NAME = ".gitattributes"
MOST_RULES = 2000
BELOW = "(?:(?P<ps_d>/)|$)"
"""How the library ends a pattern of .gitignore, which holds for everything below; one of .gitattributes does not."""
SAID_SO = "the project's .gitattributes says so"


@dataclass(frozen=True)
class Said:
    """What is said of one file; None where nothing is."""

    language: str | None = None
    generated: bool | None = None
    vendored: bool | None = None


NOTHING = Said()


@dataclass(frozen=True)
class Rule:
    """One line of a file in `folder`, which is empty or ends with a slash."""

    folder: str
    pattern: re.Pattern[str]
    attributes: dict[str, Any]


class Attributes:
    """Of one source: the deeper file and the later line win."""

    def __init__(self, files: Mapping[str, str]) -> None:
        """`files` are the texts by path."""
        self._rules = [rule for path in sorted(files, key=_depth) for rule in _rules(path, files[path])][:MOST_RULES]
        told = "\0".join(f"{path}\0{files[path]}" for path in sorted(files))
        self.fingerprint = hashlib.sha256(told.encode("utf-8", "surrogatepass")).hexdigest() if self._rules else ""

    def of(self, path: str) -> Said:
        """What is said of a file."""
        said = NOTHING
        for rule in self._rules:
            if path.startswith(rule.folder) and rule.pattern.search(path[len(rule.folder) :]):
                said = replace(said, **rule.attributes)
        return said


def _depth(path: str) -> tuple[int, str]:
    return path.count("/"), path


def _rules(path: str, text: str) -> Iterator[Rule]:
    folder = path[: -len(NAME)]
    for line in text.splitlines():
        words = line.split()
        if len(words) < 2 or words[0].startswith(("#", "!", "[attr]")):
            continue
        told = [one for word in words[1:] if (one := _attribute(word))]
        pattern = _pattern(words[0].strip('"'))
        if told and pattern:
            yield Rule(folder, pattern, dict(told))


def _pattern(text: str) -> re.Pattern[str] | None:
    """The pattern of a line; None for one that names a folder, which says nothing of its files."""
    try:
        (compiled,) = GitIgnoreSpec.from_lines([text]).patterns
    except ValueError:
        return None
    if compiled.regex is None:
        return None
    spelt = str(compiled.regex.pattern).replace(BELOW, "$")
    return None if "ps_d" in spelt else re.compile(spelt)


def _attribute(word: str) -> tuple[str, str | bool | None] | None:
    """`linguist-vendored`, `-linguist-generated`, `!linguist-language`, `linguist-language=C`: name and value."""
    name, _, value = word.lstrip("-!").partition("=")
    if name == "linguist-language":
        known = tables().aliases.get(value.lower())
        return ("language", None) if word.startswith("!") else ("language", known) if known else None
    if name not in ("linguist-generated", "linguist-vendored"):
        return None
    short = name.removeprefix("linguist-")
    if word.startswith("!"):
        return short, None
    return short, not word.startswith("-") and value.lower() != "false"
