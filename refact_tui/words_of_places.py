"""Held-out places and what was answered there, as a person reads them; pure."""

from collections.abc import Mapping, Sequence

import msgspec
from textual.content import Content

from backend import wire
from refact_tui import words
from refact_tui.signs import clean
from refact_tui.words_of_runs import share

LINES_AFTER = 3
CURSOR = ("▏", "bold $text-accent")


def where(place: wire.HeldOutPlace, number: int, count: int) -> str:
    """`3 of 40  src/billing/refund.py:48`."""
    return f"{number + 1} of {count}  {clean(place.path)}:{place.line}"


def code(place: wire.HeldOutPlace, width: int, height: int) -> Content:
    """The place in its file, in `height` lines: what the developer wrote there stands out between two marks.

    Long lines take several: what is farthest above gives way first, then what is below."""
    above = clean(place.prefix, lines=True).split("\n")
    below = clean(place.suffix, lines=True).split("\n")[: LINES_AFTER + 1]
    before, behind = min(height, len(above)), len(below)
    while True:
        shown = Content.assemble(
            ("\n".join(above[-before:]), "dim"),
            CURSOR,
            (clean(place.wanted, lines=True), "bold"),
            CURSOR,
            ("\n".join(below[:behind]), "dim"),
        )
        if (before == behind == 1) or len(shown.wrap(max(width, 1))) <= height:
            return shown
        before, behind = (before - 1, behind) if before > 1 else (1, behind - 1)


def answer(prefix: str, text: str) -> Content:
    """What was answered, behind what stands before it on its line, without their common indentation."""
    last = prefix.rpartition("\n")[2]
    start = last.lstrip()
    indent = last[: len(last) - len(start)]
    lines = text.split("\n")
    rest = [line.removeprefix(indent) for line in lines[1:]]
    return Content.assemble((clean(start, lines=True), "dim"), clean("\n".join([lines[0], *rest]), lines=True))


def request_of(place: wire.HeldOutPlace) -> wire.Complete:
    """What a checkpoint is asked there."""
    return wire.Complete(
        prefix=place.prefix,
        suffix=place.suffix,
        max_tokens=place.max_tokens,
        stop=place.stop,
        wanted=place.wanted,
    )


def asking(request: wire.Complete, model: str) -> wire.Complete:
    """The same of this model."""
    return msgspec.structs.replace(request, model=model)


def judged(found: wire.Completion) -> str:
    """Whether it is what was wanted, and how fast it came."""
    speed = f"{words.plural(found.tokens, 'token')} in {found.total_ms:.0f} ms"
    if found.exact is None:
        return speed
    return f"{'✓ exact' if found.exact else f'{verdict(found)} alike'} · {speed}"


def verdict(found: wire.Completion) -> str:
    """`✓`, or `✗` with the edit similarity."""
    return "✓" if found.exact else f"✗ {share(found.similarity)}"


def tally(places: Sequence[Mapping[str, wire.Completion]]) -> str:
    """What the places seen so far come to, left and right; empty before the first."""
    both = [(one["left"], one["right"]) for one in places if len(one) == 2]
    if not both:
        return ""
    exact = [sum(bool(pair[side].exact) for pair in both) for side in (0, 1)]
    alike = [sum(pair[side].similarity or 0.0 for pair in both) / len(both) for side in (0, 1)]
    return (
        f"{words.plural(len(both), 'place')} seen: exact {exact[0]} ⟷ {exact[1]}"
        f" · edit similarity {share(alike[0])} ⟷ {share(alike[1])}"
    )
