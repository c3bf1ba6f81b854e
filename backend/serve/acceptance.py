"""What became of completions in the editor: shown, taken or dismissed, counted with the request they answered.

No text is kept, only the ids of the newest answers, by which an editor names the one that it tells of."""

from collections import OrderedDict
from collections.abc import Callable
from typing import NamedTuple

from backend import wire
from backend.serve.keys import asking
from backend.serve.recent import latest
from backend.serve.statistics import Statistics

REMEMBERED = 10_000
"""Answers that an editor may still tell of."""


class Answer(NamedTuple):
    """What an id stands for."""

    model: str
    checkpoint: str | None
    key: str
    number: int
    """Of the request among the recent ones."""


class Acceptance:
    """For dialects whose editors tell what their users did; `changed` is called with the model that it is about."""

    def __init__(self, statistics: Statistics, changed: Callable[[str], None] = lambda model: None) -> None:
        self._statistics, self._changed = statistics, changed
        self._answers: OrderedDict[str, Answer] = OrderedDict()

    def answered(self, id_: str, model: str, checkpoint: str | None) -> None:
        """An answer was given under this id, in the task that asked for it."""
        self._answers[id_] = Answer(model, checkpoint, asking.get(), latest.get())
        if len(self._answers) > REMEMBERED:
            self._answers.popitem(last=False)

    def shown(self, id_: str) -> None:
        """The editor shows it; an id that is not remembered counts nowhere."""
        self._count(id_, "shown")

    def taken(self, id_: str) -> None:
        """The user has taken it, or a part of it."""
        self._count(id_, "taken")

    def dismissed(self, id_: str) -> None:
        """The user has gone on without it."""
        self._count(id_, "dismissed")

    def _count(self, id_: str, fate: wire.Fate) -> None:
        if found := self._answers.get(id_):
            self._statistics.count(found.model, found.checkpoint, found.key, **{fate: 1})
            self._statistics.recent.became(found.number, fate)
            self._changed(found.model)
