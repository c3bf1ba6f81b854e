"""Which cells of some lines are others than before; pure. Over a slow line only those are drawn again."""

from collections.abc import Sequence
from itertools import takewhile

from rich.cells import cell_len
from textual.content import Content
from textual.geometry import Region
from textual.strip import Strip
from textual.visual import VisualType

Letter = tuple[str, object]
"""A character and how it looks."""


def changed(before: Sequence[Strip], after: Sequence[Strip]) -> list[Region]:
    """The regions, one a line at most, outside which `after` looks as `before` did; both are as many lines."""
    regions = []
    for y, (old, new) in enumerate(zip(before, after, strict=True)):
        if old != new:
            start, end = _span(*([(one, part.style) for part in line for one in part.text] for line in (old, new)))
            regions.append(Region(start, y, max(1, end - start), 1))
    return regions


def span(before: VisualType, after: VisualType) -> tuple[int, int] | None:
    """From which cell to which a line of text differs from the one before; None where that cannot be told.

    What stood behind the end of a shorter text is part of it."""
    if not isinstance(before, str | Content) or not isinstance(after, str | Content):
        return None
    old, new = _letters(before), _letters(after)
    return None if any(letter == "\n" for letter, _ in (*old, *new)) else _span(old, new)


def _letters(text: str | Content) -> list[Letter]:
    if isinstance(text, str):
        return [(letter, ()) for letter in text]
    return [
        (letter, [one.style for one in text.spans if one.start <= at < one.end]) for at, letter in enumerate(text.plain)
    ]


def _span(old: Sequence[Letter], new: Sequence[Letter]) -> tuple[int, int]:
    """The cells in which two lines differ."""
    left = _alike(old, new)
    wide = [_cells(text) for text in (old, new)]
    right = _alike(old[left:][::-1], new[left:][::-1]) if wide[0] == wide[1] else 0
    # A sign without a width of its own goes with the letter before it.
    while left and any(len(text) > left and not cell_len(text[left][0]) for text in (old, new)):
        left -= 1
    while right and not cell_len(new[len(new) - right][0]):
        right -= 1
    return _cells(new[:left]), max(wide) - _cells(new[len(new) - right :])


def _alike(old: Sequence[Letter], new: Sequence[Letter]) -> int:
    """How many letters both begin with."""
    return sum(1 for _ in takewhile(lambda pair: pair[0] == pair[1], zip(old, new, strict=False)))


def _cells(text: Sequence[Letter]) -> int:
    return cell_len("".join(letter for letter, _ in text))
