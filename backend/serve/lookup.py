"""Guesses the next tokens of an answer from text that its model has read: what followed the last few tokens before.

Code repeats itself, and a step over a few tokens takes little longer than over one. The model reads the guess together
with its newest token and its own choice is taken at every place, so that a wrong guess costs a little time and changes
nothing; for drawn tokens too, since each is drawn as it would have been without a guess."""

from collections.abc import Iterable

GRAMS = (4, 2)
"""Lengths of what is looked for, the longest first."""
FIRST, LONGEST = 4, 12
"""Tokens of a guess: at first, and at most."""
PAUSES = 16
"""Steps without a guess at most, after guesses that were all wrong."""
SPARE = 32
"""Tokens of guesses in one step of all requests: beyond, reading them takes as long as they save."""


class Lookup:
    """What one request has seen, and how well it could be guessed."""

    def __init__(self, ids: Iterable[int]) -> None:
        # A character a token: finding a run of tokens is finding a text.
        self._seen = "".join(map(chr, ids))
        self._length, self._pause, self._wait = FIRST, 1, 0

    def add(self, id_: int) -> None:
        """One token more of the answer."""
        self._seen += chr(id_)

    def guess(self, most: int) -> list[int]:
        """What may come next, at most so many tokens; nothing where nothing like it came before, or none were right."""
        if self._wait:
            self._wait -= 1
            return []
        most = min(most, self._length)
        for size in GRAMS if most > 0 else ():
            tail = self._seen[-size:]
            place = self._seen.rfind(tail, 0, len(self._seen) - 1)
            if len(tail) == size and place >= 0:
                return [ord(one) for one in self._seen[place + size : place + size + most]]
        return []

    def judge(self, guessed: int, right: int) -> None:
        """How many tokens of the last guess were right: the next one is longer or shorter, or comes later."""
        if right:
            self._pause = 1
            self._length = min(2 * guessed, LONGEST) if right == guessed else right + 1
        else:
            self._length = max(self._length // 2, 1)
            self._wait, self._pause = self._pause, min(2 * self._pause, PAUSES)
