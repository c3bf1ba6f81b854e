"""The engine's log and what this screen was told in between, as one; pure."""

from collections.abc import Sequence

from backend import wire


def merged(lines: Sequence[wire.LogLine], own: Sequence[wire.LogLine], text: str = "") -> list[wire.LogLine]:
    """The screen's own lines that have `text` in them, each before the first line of the log that is later.

    A line without a time goes on from the one before it, and stays there."""
    found: list[wire.LogLine] = []
    left = [line for line in own if text.casefold() in line.text.casefold()]
    for line in lines:
        while left and line.at and left[0].at[:SECONDS] < line.at[:SECONDS]:
            found.append(left.pop(0))
        found.append(line)
    return [*found, *left]


SECONDS = len("2026-11-24T09:41:07")
"""Up to them times are written alike."""
