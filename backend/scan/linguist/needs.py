"""What a pattern cannot do without: words of which one stands in every text it matches; used where `data/` is made."""

import re
from collections.abc import Iterable
from typing import Any

from re import _constants, _parser  # type: ignore[attr-defined]  # isort: skip

Words = tuple[str, ...]
MOST = 3


def needs(pattern: str) -> Words:
    """The words; none where nothing is sure."""
    return _of(_parser.parse(pattern, re.MULTILINE | re.ASCII))


def _of(parsed: Iterable[tuple[Any, Any]]) -> Words:
    best: Words = ()
    letters = ""
    for kind, value in parsed:
        if kind is _constants.LITERAL:
            letters += chr(value)
            continue
        best, letters = _better(best, _word(letters)), ""
        if kind is _constants.SUBPATTERN and not value[1]:
            best = _better(best, _of(value[3]))
        elif kind is _constants.BRANCH:
            branches = [_of(branch) for branch in value[1]]
            if all(branches):
                best = _better(best, tuple(word for branch in branches for word in branch))
        elif kind in (_constants.MAX_REPEAT, _constants.MIN_REPEAT) and value[0] > 0:
            best = _better(best, _of(value[2]))
    return _better(best, _word(letters))


def _word(letters: str) -> Words:
    return (letters,) if letters else ()


def _better(one: Words, other: Words) -> Words:
    """Those of which the shortest is longer; looking for many would take longer than the pattern."""
    return max(one, other, key=lambda words: min(map(len, words), default=0)) if 0 < len(other) <= MOST else one
