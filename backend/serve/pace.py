"""How much of the waiting prompts is read in one step, so that nobody waits long behind a long one."""

from collections.abc import Sequence

STEP_S = 0.015
"""What a step may take: who hangs up is noticed between two steps, and who decodes gets a token in each."""
FEWEST, FIRST, MOST = 32, 128, 512
"""Tokens read in a step at least, before anything was measured, and at most; fewer would take hardly less time."""
NEWEST = 0.3
"""Weight of the newest measurement."""


class Pace:
    """Tokens that may be read in a step, as the last ones have shown."""

    def __init__(self) -> None:
        self._rate = FIRST / STEP_S

    @property
    def tokens(self) -> int:
        """Prompt tokens for the next step."""
        return max(FEWEST, min(int(self._rate * STEP_S), MOST))

    def saw(self, tokens: int, seconds: float) -> None:
        """A step read so many prompt tokens in so much processor time: who else is busy here says nothing of the model.

        One that read few says little of what more would take."""
        if 2 * tokens >= self.tokens and seconds > 0:
            self._rate += NEWEST * (tokens / seconds - self._rate)


def divided(unread: Sequence[int], tokens: int) -> list[int]:
    """How many tokens each prompt may read of `tokens`: half are for the oldest, which is the first, the others go to
    those that are soon done. So a short prompt does not wait for a long one, and no prompt waits for ever."""
    given = [0] * len(unread)
    for place in [0, *sorted(range(len(unread)), key=lambda one: unread[one])] if unread else []:
        limit = -(-tokens // 2) if place == 0 and not any(given) else tokens
        more = min(unread[place] - given[place], limit, tokens)
        given[place] += more
        tokens -= more
    return given
