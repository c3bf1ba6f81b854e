"""Places in held-out files where a developer would ask for a completion, and how an answer is judged; pure."""

from collections.abc import Sequence
from dataclasses import dataclass
from difflib import SequenceMatcher
from random import Random

from backend.models.catalog import ModelInfo
from backend.models.layout import infill_prompt, trim
from backend.models.tokenizer import TextTokenizer
from backend.train.fim import BREAK

LONGEST_ANSWER = 24
"""Tokens."""
ROOM = 384
"""Tokens of code around the cursor."""
NEAR = 6 * ROOM
"""Characters on each side that are encoded at all."""
SHORTEST = 3
"""Characters; less than that is no completion worth asking for."""


@dataclass(frozen=True)
class Place:
    """A cursor: what the model reads, and what the developer wrote there up to the end of the line."""

    prompt: list[int]
    middle: list[int]
    text: str


def choose(
    texts: Sequence[str], info: ModelInfo, tokenizer: TextTokenizer, context: int, count: int, seed: int
) -> list[Place]:
    """At most `count` places, the same for the same texts and seed: two thirds inside a line, one third whole lines."""
    random = Random(f"{seed}:places")
    usable = [text for text in texts if text.strip()]
    places: list[Place] = []
    for _ in range(count * 10):
        if len(places) == count or not usable:
            break
        text = random.choices(usable, [min(len(one), 20_000) for one in usable])[0]
        if place := _place(text, info, tokenizer, min(context - LONGEST_ANSWER - 8, ROOM), random):
            places.append(place)
    return places


def _place(text: str, info: ModelInfo, tokenizer: TextTokenizer, room: int, random: Random) -> Place | None:
    lines = text.splitlines(keepends=True)
    row = random.randrange(len(lines))
    line = lines[row].rstrip()
    indent = len(line) - len(line.lstrip())
    column = indent
    if random.random() < 2 / 3:
        breaks = [found.start() for found in BREAK.finditer(line) if found.start() > indent]
        column = random.choice(breaks) if breaks else indent
    wanted = line[column:]
    if len(wanted.strip()) < SHORTEST:
        return None
    start = sum(map(len, lines[:row]))
    prefix = tokenizer.encode_plain(text[max(start + column - NEAR, 0) : start + column])
    suffix = tokenizer.encode_plain(text[start + len(line) :][:NEAR])
    middle = tokenizer.encode_plain(wanted)
    if len(middle) > LONGEST_ANSWER:
        return None
    prefix, suffix = trim(prefix, suffix, room)
    return Place(infill_prompt(info, tokenizer.marks, prefix, suffix), middle, wanted)


def first_line(answer: str) -> str:
    """What counts of an answer: its first line, without the blanks behind it."""
    return answer.split("\n", 1)[0].rstrip()


def similarity(answer: str, wanted: str) -> float:
    """Edit similarity from 0 to 1: twice the matching characters over all characters (difflib's ratio)."""
    return SequenceMatcher(None, answer, wanted, autojunk=False).ratio()
