"""Places in held-out files where a developer would ask for a completion, and how an answer is judged; pure."""

from collections.abc import Sequence
from dataclasses import dataclass
from difflib import SequenceMatcher
from random import Random
from typing import Literal

from backend.models.catalog import ModelInfo
from backend.models.layout import infill_prompt, trim
from backend.models.tokenizer import TextTokenizer
from backend.train.fim import BREAK

Kind = Literal["line", "lines"]
"""The rest of a line (or a whole one after its indentation), or a few lines of one block."""
LONGEST: dict[Kind, int] = {"line": 24, "lines": 72}
"""Tokens of an answer."""
MULTI_LINE = 0.25
"""Share of the places that ask for a few lines."""
MOST_LINES = 6
ROOM = 384
"""Tokens of code around the cursor."""
NEAR = 6 * ROOM
"""Characters on each side that are encoded at all."""
SHORTEST = 3
"""Characters; less than that is no completion worth asking for."""


@dataclass(frozen=True)
class Place:
    """A cursor: what the model reads, and what the developer wrote there."""

    prompt: list[int]
    middle: list[int]
    text: str
    kind: Kind = "line"
    file: int = 0
    """Which of the texts it is in: answers in one file have much in common."""
    at: int = 0
    """Where in that text it begins, in characters."""


def choose(
    texts: Sequence[str],
    info: ModelInfo,
    tokenizer: TextTokenizer,
    context: int,
    count: int,
    seed: int,
    multi_line: float = MULTI_LINE,
) -> list[Place]:
    """At most `count` places, the same for the same texts and seed; of one line two thirds are asked for inside it."""
    random = Random(f"{seed}:places")
    usable = [(number, text) for number, text in enumerate(texts) if text.strip()]
    sizes = [min(len(text), 20_000) for _, text in usable]
    places: list[Place] = []
    for _ in range(count * 10):
        if len(places) == count or not usable:
            break
        file, text = random.choices(usable, sizes)[0]
        kind: Kind = "lines" if multi_line and random.random() < multi_line else "line"
        if place := _place(text, file, kind, info, tokenizer, context, random):
            places.append(place)
    return places


def _place(
    text: str, file: int, kind: Kind, info: ModelInfo, tokenizer: TextTokenizer, context: int, random: Random
) -> Place | None:
    lines = text.splitlines(keepends=True)
    row = random.randrange(len(lines))
    start = sum(map(len, lines[:row]))
    begin, end = _line(lines[row], random) if kind == "line" else _block(lines, row, random)
    wanted = text[start + begin : start + end]
    if len(wanted.strip()) < SHORTEST:
        return None
    middle = tokenizer.encode_plain(wanted)
    if len(middle) > LONGEST[kind]:
        return None
    prefix, suffix = around(text, (start + begin, start + end), kind, tokenizer, context)
    return Place(infill_prompt(info, tokenizer.marks, prefix, suffix), middle, wanted, kind, file, start + begin)


def around(
    text: str, span: tuple[int, int], kind: Kind, tokenizer: TextTokenizer, context: int
) -> tuple[list[int], list[int]]:
    """What is read before and behind a place from one character to another, as token ids."""
    begin, end = span
    prefix = tokenizer.encode_plain(text[max(begin - NEAR, 0) : begin])
    suffix = tokenizer.encode_plain(text[end:][:NEAR])
    return trim(prefix, suffix, min(context - LONGEST[kind] - 8, ROOM))


def _line(line: str, random: Random) -> tuple[int, int]:
    """Begin and end of what is asked for in one line."""
    line = line.rstrip()
    indent = len(line) - len(line.lstrip())
    column = indent
    if random.random() < 2 / 3:
        breaks = [found.start() for found in BREAK.finditer(line) if found.start() > indent]
        column = random.choice(breaks) if breaks else indent
    return column, len(line)


def _block(lines: Sequence[str], row: int, random: Random) -> tuple[int, int]:
    """From the first word of a line to the end of a later one of its block; nothing where it stands alone."""
    indent = _indent(lines[row])
    last = row
    for number in range(row + 1, min(row + MOST_LINES, len(lines))):
        if not lines[number].strip() or _indent(lines[number]) < indent:
            break
        last = number
    if last == row or not lines[row].strip():
        return 0, 0
    last = random.randint(row + 1, last)
    return indent, sum(map(len, lines[row:last])) + len(lines[last].rstrip())


def _indent(line: str) -> int:
    return len(line) - len(line.lstrip())


def counted(kind: Kind, answer: str) -> str:
    """What counts of an answer: its first line, or all of it; without the blanks behind it."""
    return first_line(answer) if kind == "line" else answer.rstrip()


def first_line(answer: str) -> str:
    """The first line of an answer, without the blanks behind it."""
    return answer.split("\n", 1)[0].rstrip()


def similarity(answer: str, wanted: str) -> float:
    """Edit similarity from 0 to 1: twice the matching characters over all characters (difflib's ratio)."""
    return SequenceMatcher(None, answer, wanted, autojunk=False).ratio()
