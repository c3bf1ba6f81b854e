"""Which part of a long text a prompt carries: cut so that the next keystroke's prompt begins with the same tokens.

What a model has read stays of use only while a prompt begins as the one before did. So a cut moves by a large step now
and then, never by a token with each keystroke; that costs up to an eighth of the room."""

from collections.abc import Sequence

PARTS = 8
"""Steps that the room is cut in."""


def near_text(prefix: str, most: int) -> str:
    """The end of a text that is too long even to be encoded: between half of `most` and `most` characters of it."""
    return prefix[_stepped(len(prefix) - most, max(most // 2, 1)) :]


def window(prefix: Sequence[int], suffix: Sequence[int], room: int) -> tuple[list[int], list[int]]:
    """Both cut to `room` tokens together at most: the prefix keeps its end, the suffix its beginning.

    The suffix gets a quarter of the room, or what the prefix leaves over."""
    room = max(room, 0)
    step = max(room // PARTS, 1)
    spare = max(room - len(prefix) - room // 4, 0)
    behind = min(len(suffix), room // 4 + spare // step * step)
    cut = min(_stepped(len(prefix) - (room - behind), step), len(prefix))
    return list(prefix[cut:]), list(suffix[:behind])


def _stepped(surplus: int, step: int) -> int:
    """At least the surplus, in whole steps."""
    return max(-(-surplus // step), 0) * step
