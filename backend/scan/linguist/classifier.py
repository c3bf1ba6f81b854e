"""What is left in doubt after every rule: naive Bayes over the words of Linguist's samples, as Linguist does it."""

import json
import math
import re
from collections import Counter
from functools import cache

from backend.scan.linguist.tables import data

CONSIDERED = 50 * 1024
"""Characters looked at."""
WORD = re.compile(
    r"[@#]?[A-Za-z_]\w*|^[ \t]*(?P<comment>//|#|--|%|;|/\*|\(\*)|[(){}\[\]]{1,2}|[^\w\s\"']{1,2}", re.MULTILINE
)


def likeliest(candidates: tuple[str, ...], text: str) -> str:
    """The candidate whose samples the text's words are most like; the first where nothing tells."""
    words = Counter(_words(text[:CONSIDERED]))
    return max(candidates, key=lambda language: (_score(language, words), -candidates.index(language)))


def _words(text: str) -> list[str]:
    return [f"COMMENT{found['comment']}" if found["comment"] else found[0] for found in WORD.finditer(text)]


def _score(language: str, words: Counter[str]) -> float:
    unknown, samples = _samples()
    if language not in samples:
        return -math.inf
    prior, known = samples[language]
    return prior + sum(count * known.get(word, unknown) for word, count in words.items())


@cache
def _samples() -> tuple[float, dict[str, tuple[float, dict[str, float]]]]:
    """Log-probability of a word never seen; of each language its own and those of its words."""
    loaded = json.loads(data("samples.json"))
    total: dict[str, tuple[float, dict[str, float]]] = {}
    for language, (files, tokens, counts) in loaded["languages"].items():
        known = {word: math.log(count / tokens) for word, count in counts.items()}
        total[language] = (math.log(files / loaded["files"]), known)
    return -math.log(loaded["tokens"]), total
