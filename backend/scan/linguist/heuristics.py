"""Extensions that several languages claim, settled by patterns in the text: Linguist's disambiguation rules."""

import json
import re
from dataclasses import dataclass
from functools import cache
from typing import Any

from backend.scan.linguist.tables import data

CONSIDERED = 50 * 1024
"""Characters looked at."""
FLAGS = re.MULTILINE | re.ASCII


@dataclass(frozen=True)
class Condition:
    """Holds where any pattern is found, or none where it is turned round."""

    patterns: tuple["Pattern", ...]
    negative: bool

    def holds(self, text: str) -> bool:
        """Whether a text meets it."""
        return any(pattern.found_in(text) for pattern in self.patterns) != self.negative


@dataclass(frozen=True)
class Pattern:
    """Looked for only in a text that has one of the words it needs, where it needs any: words are found faster."""

    needs: tuple[str, ...]
    compiled: re.Pattern[str]

    def found_in(self, text: str) -> bool:
        """Whether it is in a text."""
        if self.needs and not any(word in text for word in self.needs):
            return False
        return bool(self.compiled.search(text))


@dataclass(frozen=True)
class Rule:
    """Languages of a text for which all conditions hold."""

    languages: tuple[str, ...]
    conditions: tuple[Condition, ...]


def settle(name: str, text: str) -> tuple[str, ...]:
    """What the first rule that holds says; nothing where none does, or none is for this name."""
    parts = name.lower().split(".")
    endings = [f".{'.'.join(parts[place:])}" for place in range(1, len(parts))]
    blocks = [number for ending in endings if (number := _numbers().get(ending)) is not None]
    if not blocks:
        return ()
    head = text[:CONSIDERED]
    for rule in _rules(min(blocks)):
        if all(condition.holds(head) for condition in rule.conditions):
            return rule.languages
    return ()


@cache
def _blocks() -> list[dict[str, Any]]:
    blocks: list[dict[str, Any]] = json.loads(data("heuristics.json"))["disambiguations"]
    return blocks


@cache
def _numbers() -> dict[str, int]:
    """The first block that is for an extension."""
    told = [(extension, number) for number, block in enumerate(_blocks()) for extension in block["extensions"]]
    return dict(reversed(told))


@cache
def _rules(number: int) -> list[Rule]:
    """The rules of one block, compiled when a file first needs them."""
    return [Rule(tuple(one["languages"]), tuple(map(_condition, one["all"]))) for one in _blocks()[number]["rules"]]


def _condition(one: dict[str, Any]) -> Condition:
    # Whichever is found first will do: those that are tried at every line's beginning are the slowest.
    told = sorted(one["any"], key=lambda pattern: pattern[0].startswith("^"))
    patterns = [Pattern(tuple(needs), re.compile(spelt, FLAGS)) for spelt, *needs in told]
    return Condition(tuple(patterns), bool(one.get("not")))
