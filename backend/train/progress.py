"""Where a run stands: all that decides what its next step is, kept with the resumable state; pure."""

from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass, field, fields
from typing import Any

REMEMBERED = 64
"""Steps whose times the forecast's range comes from."""
TESTS = 10
"""Test losses that a run aims at."""
TEST_SHARE = 0.05
"""Share of the time that test losses may take, as far as `FEWEST_TESTS` of them allow."""
FEWEST_TESTS = 4
FORWARD_SHARE = 1 / 3
"""Cost of a token that is only tested, in tokens that are trained on."""


@dataclass
class Progress:
    """Counts and losses; times serve the forecast only."""

    steps: int
    step: int = 0
    epoch: int = 0
    index: int = 0
    """The next row of that epoch."""
    base_loss: float | None = None
    best_loss: float | None = None
    best_step: int | None = None
    last_tested: int = 0
    waited: int = 0
    """Test losses since the best."""
    bad: int = 0
    """Losses that were not finite, one after the other."""
    rate_share: float = 1.0
    """What of the planned learning rate is left; lowered once when the loss is not a number."""
    micro_batch_size: int | None = None
    """Smaller than asked for where memory ran out."""
    checkpointing: bool = False
    """Activations are recomputed because memory ran out."""
    elapsed_s: float = 0.0
    step_s: float = 0.0
    test_s: float = 0.0
    recent_s: list[float] = field(default_factory=list)
    """What the last steps took."""
    ended: bool = False
    reason: str = ""
    """Why it ended before its last step."""

    def as_dict(self) -> dict[str, Any]:
        """For the saved state."""
        return asdict(self)

    @classmethod
    def of(cls, saved: Mapping[str, Any]) -> "Progress":
        """From what `as_dict` gave, perhaps to an older version."""
        names = {one.name for one in fields(cls)}
        return cls(**{name: value for name, value in saved.items() if name in names})

    def goes_on(self) -> bool:
        """Whether there are steps left to do."""
        return not self.ended

    def tested(self, loss: float) -> None:
        """Take note of a test loss."""
        self.last_tested = self.step
        if self.best_loss is None or loss < self.best_loss:
            self.best_loss, self.best_step, self.waited = loss, self.step, 0
        else:
            self.waited += 1

    def timed(self, seconds: float) -> None:
        """Take note of how long a step took: a running mean that forgets, and the last few as they are."""
        self.elapsed_s += seconds
        self.step_s = seconds if not self.step_s else 0.9 * self.step_s + 0.1 * seconds
        self.recent_s = [*self.recent_s, seconds][-REMEMBERED:]

    def tested_in(self, seconds: float) -> None:
        """Take note of how long a test with its checkpoint took."""
        self.elapsed_s += seconds
        self.test_s = seconds

    def eta(self, every: int) -> tuple[float, float, float]:
        """Seconds to the end of training, tests included: as the running mean has it, at best, at worst.

        Best and worst go by the fastest and the slowest tenth of the last steps; a test comes each `every` steps."""
        left = max(self.steps - self.step, 0)
        tests = -(-left // every) * self.test_s
        low, high = _tenths(self.recent_s or [self.step_s])
        return left * self.step_s + tests, left * min(low, self.step_s) + tests, left * max(high, self.step_s) + tests


def _tenths(values: Iterable[float]) -> tuple[float, float]:
    """The values that a tenth lies below, and above."""
    ordered = sorted(values)
    tenth = len(ordered) // 10
    return ordered[tenth], ordered[-1 - tenth]


def test_every(steps: int, windows: int, batch_size: int) -> int:
    """Steps between two test losses of `windows` rows: about ten a run, fewer where they took over a twentieth of it.

    Counted in rows, not in seconds, so that the same run always tests at the same steps."""
    wanted = -(-steps // TESTS)
    affordable = int(windows * FORWARD_SHARE / (TEST_SHARE * batch_size)) + 1
    return max(5, min(max(wanted, affordable), -(-steps // FEWEST_TESTS)))
