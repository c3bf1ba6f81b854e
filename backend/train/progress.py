"""Where a run stands: all that decides what its next step is, kept with the resumable state; pure."""

from dataclasses import asdict, dataclass
from typing import Any


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
    elapsed_s: float = 0.0
    step_s: float = 0.0
    test_s: float = 0.0
    ended: bool = False
    reason: str = ""
    """Why it ended before its last step."""

    def as_dict(self) -> dict[str, Any]:
        return asdict(self)

    def goes_on(self) -> bool:
        return not self.ended

    def tested(self, loss: float) -> None:
        """Take note of a test loss."""
        self.last_tested = self.step
        if self.best_loss is None or loss < self.best_loss:
            self.best_loss, self.best_step, self.waited = loss, self.step, 0
        else:
            self.waited += 1

    def timed(self, seconds: float) -> None:
        """Take note of how long a step took: a running mean that forgets."""
        self.elapsed_s += seconds
        self.step_s = seconds if not self.step_s else 0.9 * self.step_s + 0.1 * seconds

    def tested_in(self, seconds: float) -> None:
        """Take note of how long a test with its checkpoint took."""
        self.elapsed_s += seconds
        self.test_s = seconds

    def eta_s(self) -> float:
        """Seconds to the end of training, tests included."""
        left = max(self.steps - self.step, 0)
        tests = min(left, 10 * left / max(self.steps, 1))
        return left * self.step_s + tests * self.test_s
