"""Extensions that several languages claim, settled by patterns in the text: Linguist's disambiguation rules."""

import json
import re
from dataclasses import dataclass
from functools import cache
from typing import Any

from backend.scan.linguist.tables import data

CONSIDERED = 50 * 1024
"""Characters looked at."""


@dataclass(frozen=True)
class Condition:
    """Holds where any pattern is found, or none where it is turned round."""

    patterns: tuple[re.Pattern[str], ...]
    negative: bool

    def holds(self, text: str) -> bool:
        return any(pattern.search(text) for pattern in self.patterns) != self.negative


@dataclass(frozen=True)
class Rule:
    """Languages of a text for which all conditions hold."""

    languages: tuple[str, ...]
    conditions: tuple[Condition, ...]


def settle(name: str, text: str) -> tuple[str, ...]:
    """What the first rule that holds says; nothing where none does, or none is for this name."""
    low = name.lower()
    for number, extensions in enumerate(_extensions()):
        if low.endswith(extensions):
            head = text[:CONSIDERED]
            for rule in _rules(number):
                if all(condition.holds(head) for condition in rule.conditions):
                    return rule.languages
            return ()
    return ()


@cache
def _blocks() -> list[dict[str, Any]]:
    blocks: list[dict[str, Any]] = json.loads(data("heuristics.json"))["disambiguations"]
    return blocks


@cache
def _extensions() -> list[tuple[str, ...]]:
    return [tuple(block["extensions"]) for block in _blocks()]


@cache
def _rules(number: int) -> list[Rule]:
    """The rules of one block, compiled when a file first needs them."""
    return [Rule(tuple(one["languages"]), tuple(map(_condition, one["all"]))) for one in _blocks()[number]["rules"]]


def _condition(one: dict[str, Any]) -> Condition:
    patterns = tuple(re.compile(pattern, re.MULTILINE | re.ASCII) for pattern in one["any"])
    return Condition(patterns, bool(one.get("not")))
