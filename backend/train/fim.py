"""Chooses middles as an IDE would ask for them: the rest of a line, lines, a block, a syntactic node, any span; pure.

The mix is documented in docs/fim.md."""

import re
from bisect import bisect_right
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from itertools import accumulate
from random import Random
from typing import Literal

Kind = Literal["rest_of_line", "whole_line", "lines", "block", "node", "span"]
MIX: dict[Kind, int] = {"rest_of_line": 40, "whole_line": 15, "lines": 10, "block": 15, "node": 10, "span": 10}
"""How often each kind is asked for, in percent; without syntax a node is a block."""
MOST_LINES = 8
"""Of whole lines that begin and end anywhere."""
BLOCK_LINES = 24
"""Of a block or a node; one that is larger is not asked for, since half of it would teach to stop half way."""
LONGEST = 1200
"""Characters of a middle."""
LONGEST_SPAN = 400
"""Characters of a random span."""
SHORTEST_NODE = 4
"""Characters; less than that is no completion worth asking for."""
TRIES = 6
BREAK = re.compile(r"(?<=[\s.,:(\[{=])(?=\S)|(?<=\w)(?=\W)")
"""Places inside a line where typing pauses: after a space, a dot or a bracket, at the end of a word."""
CLOSES = re.compile(r"\s*(?:[)\]}]|end\b|</)")
"""Beginning of a line that closes the block above it."""
Span = tuple[int, int]
"""Begin and end, in characters."""
Nodes = Callable[[int], Sequence[Span]]
"""The syntactic nodes around a character."""


@dataclass(frozen=True)
class Split:
    """A text in three parts that give it back when joined; the middle is never blank."""

    prefix: str
    middle: str
    suffix: str
    kind: Kind


def lines_of(text: str) -> list[str]:
    """Lines with their ends, as editors count them: form feeds and Unicode's separators end none."""
    *lines, last = text.split("\n")
    whole = [f"{line}\n" for line in lines]
    return [*whole, last] if last else whole


def split(text: str, random: Random, nodes: Nodes | None = None) -> Split | None:
    """One split of `text`, or None where no middle with something in it was found."""
    if not text.strip():
        return None
    page = _Page(text)
    for _ in range(TRIES):
        kind = random.choices(list(MIX), list(MIX.values()))[0]
        if kind == "node" and nodes is None:
            kind = "block"
        begin, end = _span(kind, page, random, nodes) or (0, 0)
        if end - begin <= LONGEST and text[begin:end].strip():
            return Split(text[:begin], text[begin:end], text[end:], kind)
    return None


class _Page:
    """A text as lines, each with the width of its indentation."""

    def __init__(self, text: str) -> None:
        self.text = text
        whole = lines_of(text)
        self.lines = [line.rstrip("\r\n") for line in whole]
        self.starts = [0, *accumulate(map(len, whole))]
        self.indents = [len(line) - len(line.lstrip()) for line in self.lines]
        # Long lines are where code is: a line is drawn in proportion to its length.
        sizes = (len(line) - indent + 1 for line, indent in zip(self.lines, self.indents, strict=True))
        self._sums = list(accumulate(sizes))

    def row(self, random: Random) -> int:
        return bisect_right(self._sums, random.randrange(self._sums[-1]))

    def blank(self, row: int) -> bool:
        return self.indents[row] == len(self.lines[row])

    def whole(self, first: int, last: int) -> Span:
        """Lines from behind the first one's indentation, where a cursor stands, to the end of the last."""
        return self.starts[first] + self.indents[first], self.starts[last] + len(self.lines[last])

    def last_below(self, row: int) -> int:
        """The last line of what is indented deeper under `row`; `row` itself where nothing is."""
        last = row
        for below in range(row + 1, len(self.lines)):
            if not self.blank(below):
                if self.indents[below] <= self.indents[row]:
                    break
                last = below
        return last

    def head_of(self, row: int) -> int | None:
        """The line above that `row` is indented under."""
        above = (one for one in range(row - 1, -1, -1) if not self.blank(one) and self.indents[one] < self.indents[row])
        return next(above, None)


def _span(kind: Kind, page: _Page, random: Random, nodes: Nodes | None) -> Span | None:
    """A middle of that kind, possibly a blank one; None where there is none."""
    if kind == "span":
        begin = random.randrange(len(page.text))
        return begin, min(begin + random.randint(1, LONGEST_SPAN), len(page.text))
    row = page.row(random)
    if kind == "rest_of_line":
        begin, end = page.whole(row, row)
        line, indent = page.lines[row], page.indents[row]
        breaks = [found.start() for found in BREAK.finditer(line, indent)]
        return (page.starts[row] + random.choice(breaks) if breaks else begin), end
    if kind == "whole_line":
        return page.whole(row, row)
    if kind == "lines":
        return page.whole(row, min(row + random.randint(1, MOST_LINES - 1), len(page.lines) - 1))
    if kind == "block":
        return _block(page, row, random)
    begin, end = page.whole(row, row)
    fitting = [one for one in nodes(random.randint(begin, end)) if _fits(page.text, one)] if nodes else []
    return random.choice(fitting) if fitting else None


def _block(page: _Page, row: int, random: Random) -> Span | None:
    """One of the blocks around a line that are not too large: a body, or a statement with its body."""
    found: list[Span] = []
    head: int | None = row
    while head is not None:
        last = page.last_below(head)
        if last > head:
            body = next(below for below in range(head + 1, last + 1) if not page.blank(below))
            if last - body >= BLOCK_LINES:
                break
            found.append(page.whole(body, last))
            closing = last + 1
            closed = closing < len(page.lines) and CLOSES.match(page.lines[closing])
            if closed and page.indents[closing] == page.indents[head]:
                last = closing
            found.append(page.whole(head, last))
        head = page.head_of(head)
    return random.choice(found) if found else None


def _fits(text: str, node: Span) -> bool:
    begin, end = node
    return SHORTEST_NODE <= end - begin <= LONGEST and text.count("\n", begin, end) < BLOCK_LINES
