"""Chooses middles as an IDE would ask for them: rest of a line, whole line, a few lines, any span; pure."""

import re
from dataclasses import dataclass
from random import Random

KINDS = ("rest_of_line", "whole_line", "lines", "span")
WEIGHTS = (45, 20, 20, 15)
"""How often each kind is asked for, in percent."""
MOST_LINES = 8
LONGEST_SPAN = 400
"""Characters of a random span."""
BREAK = re.compile(r"(?<=[\s.,:(\[{=])(?=\S)|(?<=\w)(?=\W)")
"""Places inside a line where typing pauses: after a space, a dot or a bracket, at the end of a word."""


@dataclass(frozen=True)
class Split:
    """A text in three parts that give it back when joined; the middle is never blank."""

    prefix: str
    middle: str
    suffix: str
    kind: str


def split(text: str, random: Random) -> Split | None:
    """One split of `text`, or None where no middle with something in it was found."""
    lines = text.splitlines(keepends=True)
    if not lines:
        return None
    starts = [0]
    for line in lines:
        starts.append(starts[-1] + len(line))
    for _ in range(4):
        kind = random.choices(KINDS, WEIGHTS)[0]
        begin, end = _span(kind, text, lines, starts, random)
        if text[begin:end].strip():
            return Split(text[:begin], text[begin:end], text[end:], kind)
    return None


def _span(kind: str, text: str, lines: list[str], starts: list[int], random: Random) -> tuple[int, int]:
    """Begin and end of a middle of that kind, in characters; possibly a blank one."""
    if kind == "span":
        begin = random.randrange(len(text))
        return begin, min(begin + random.randint(1, LONGEST_SPAN), len(text))
    # Long lines are where code is: a line is drawn in proportion to its length.
    row = random.choices(range(len(lines)), [len(line.strip()) + 1 for line in lines])[0]
    line = lines[row].rstrip("\r\n")
    indent = len(line) - len(line.lstrip())
    last = row
    if kind == "rest_of_line":
        breaks = [found.start() for found in BREAK.finditer(line) if found.start() >= indent]
        return starts[row] + (random.choice(breaks) if breaks else indent), starts[row] + len(line)
    if kind == "lines":
        last = _end_of_block(lines, row, indent) if random.random() < 0.5 else row + random.randint(1, MOST_LINES)
        last = min(last, row + MOST_LINES, len(lines) - 1)
    return starts[row] + indent, starts[last] + len(lines[last].rstrip("\r\n"))


def _end_of_block(lines: list[str], row: int, indent: int) -> int:
    """The last line of the indented block that begins at `row`: what follows deeper belongs to it."""
    last = row
    for number in range(row + 1, len(lines)):
        line = lines[number]
        if line.strip():
            if len(line) - len(line.lstrip()) <= indent:
                break
            last = number
    return last
