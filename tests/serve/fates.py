"""What became of answers in the editor, as the engine has counted it since a test began."""

from typing import NamedTuple

from tests.serve.serving_box import Box


class Fates(NamedTuple):
    """Of one checkpoint's answers."""

    answers: int
    shown: int
    taken: int
    dismissed: int


def fates(box: Box) -> dict[str | None, Fates]:
    """By checkpoint, None for the base model."""
    counts = box.ctx.hosts.acceptance.counts()
    return {one.checkpoint: Fates(one.completions, one.shown, one.taken, one.dismissed) for one in counts}


def since(box: Box, before: dict[str | None, Fates]) -> dict[str | None, Fates]:
    """What was counted since `before`, checkpoints without any left out."""
    grown = {}
    for name, now in fates(box).items():
        more = Fates(*(new - old for new, old in zip(now, before.get(name, Fates(0, 0, 0, 0)), strict=True)))
        if any(more):
            grown[name] = more
    return grown
