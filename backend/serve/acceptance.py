"""What became of completions in the editor: shown, taken or dismissed, counted per model and checkpoint.

No text is kept, only the ids of the newest answers, by which an editor names the one that it tells of."""

from collections import OrderedDict

import msgspec

REMEMBERED = 10_000
"""Answers that an editor may still tell of."""


class Accepted(msgspec.Struct, frozen=True, kw_only=True):
    """How often what one checkpoint said was shown and taken."""

    model: str
    checkpoint: str | None
    """`RUN:STEP`; None for the base model."""
    completions: int = 0
    shown: int = 0
    taken: int = 0
    dismissed: int = 0

    @property
    def rate(self) -> float | None:
        """The share of what was shown that was taken; None before anything was shown."""
        return min(self.taken / self.shown, 1.0) if self.shown else None


class Acceptance:
    """Counts since the engine's start."""

    def __init__(self) -> None:
        self._counts: dict[tuple[str, str | None], Accepted] = {}
        self._answers: OrderedDict[str, tuple[str, str | None]] = OrderedDict()

    def answered(self, id_: str, model: str, checkpoint: str | None) -> None:
        """An answer was given under this id."""
        self._answers[id_] = (model, checkpoint)
        if len(self._answers) > REMEMBERED:
            self._answers.popitem(last=False)
        self._add(model, checkpoint, completions=1)

    def shown(self, id_: str) -> None:
        """The editor shows it; an id that is not remembered counts nowhere."""
        if found := self._answers.get(id_):
            self._add(*found, shown=1)

    def taken(self, id_: str) -> None:
        """The user has taken it, or a part of it."""
        if found := self._answers.get(id_):
            self._add(*found, taken=1)

    def dismissed(self, id_: str) -> None:
        """The user has gone on without it."""
        if found := self._answers.get(id_):
            self._add(*found, dismissed=1)

    def counts(self) -> list[Accepted]:
        """Per model and checkpoint, in the order in which they first answered."""
        return list(self._counts.values())

    def _add(self, model: str, checkpoint: str | None, **more: int) -> None:
        before = self._counts.get((model, checkpoint)) or Accepted(model=model, checkpoint=checkpoint)
        grown = {name: getattr(before, name) + count for name, count in more.items()}
        self._counts[model, checkpoint] = msgspec.structs.replace(before, **grown)
