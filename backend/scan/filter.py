"""The filter language of the file lists: `*.py loss>2 reason:duplicate source:billing lang:Python word` → SQL; pure."""

import re
from dataclasses import dataclass
from functools import cache
from typing import Any

from backend.errors import BadRequest
from backend.scan.linguist.tables import tables
from backend.scan.rules import ORDER
from backend.scan.warnings import KINDS

COLUMNS = {
    "reason": "f.reason",
    "lang": "f.language",
    "language": "f.language",
    "set": "f.set_name",
    "verdict": "f.verdict",
}
NUMBERS = {"loss": "f.loss", "size": "f.size"}
COMPARISON = re.compile(r"([a-z]+)(<=|>=|<|>|=)(.+)")
WARNED = "f.verdict = 'accepted' AND f.warnings != ''"
WORDS = re.compile(r'(?:[^\s"]|"[^"]*")+')


@dataclass(frozen=True)
class Condition:
    """A piece of SQL and its parameters; an empty one matches everything."""

    sql: str
    values: tuple[Any, ...]


def condition(text: str) -> Condition:
    """Every word has to match. Raises BadRequest for a word that looks like a comparison and is none."""
    parts = [_word(word.replace('"', "")) for word in WORDS.findall(text)]
    return Condition(" AND ".join(part.sql for part in parts), tuple(value for part in parts for value in part.values))


def _word(word: str) -> Condition:
    name, colon, value = word.partition(":")
    if colon and name.lower() == "source":
        return Condition("f.source_id IN (SELECT id FROM sources WHERE name = ? COLLATE NOCASE)", (value,))
    if colon and name.lower() == "warning":
        return _warning(value.lower())
    if colon and name.lower() in COLUMNS:
        return Condition(f"{COLUMNS[name.lower()]} = ?", (_known().get(value.lower(), value),))
    if (found := COMPARISON.fullmatch(word)) and found[1] in NUMBERS:
        try:
            number = float(found[3])
        except ValueError as error:
            raise BadRequest(
                f"{word!r} does not compare with a number.", "Write it like loss>2 or size<=4096."
            ) from error
        return Condition(f"{NUMBERS[found[1]]} {found[2]} ?", (number,))
    if any(character in word for character in "*?["):
        if word.startswith("*"):
            return Condition("f.path GLOB ?", (word,))  # in any folder too, since * stands for slashes as well
        return Condition("(f.path GLOB ? OR f.path GLOB ?)", (word, f"*/{word}"))
    escaped = re.sub(r"([\\%_])", r"\\\1", word)
    return Condition("f.path LIKE ? ESCAPE '\\'", (f"%{escaped}%",))


@cache
def _known() -> dict[str, str]:
    """Languages and reasons as they are spelt, by their lower case: what is spelt right is found in an index."""
    names = (*tables().kinds, *ORDER, "train", "test", "accepted", "rejected")
    return {name.lower(): name for name in names}


def _warning(kind: str) -> Condition:
    if kind == "secret":
        return Condition(WARNED, ())
    if kind in KINDS:
        return Condition(f"{WARNED} AND f.warnings LIKE ?", (f"%:{kind}%",))
    raise BadRequest(f"There is no warning {kind!r}.", f"Write warning:secret, or one of {', '.join(KINDS)}.")
