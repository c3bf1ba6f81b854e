"""What is counted of requests: sums and how long they took, nothing of what they said."""

from dataclasses import dataclass, field

from backend import wire
from backend.serve.histogram import Histogram

COUNTS = (
    "requests",
    "failed",
    "refused",
    "cancelled",
    "prompt_tokens",
    "cached_tokens",
    "completion_tokens",
    "shown",
    "taken",
    "dismissed",
)


@dataclass
class Tally:
    """Sums of one day, model, checkpoint and key, or of several of them together."""

    requests: int = 0
    failed: int = 0
    refused: int = 0
    """There were too many at once."""
    cancelled: int = 0
    """The client left before the end, as editors do when their user types on."""
    prompt_tokens: int = 0
    cached_tokens: int = 0
    """Of the prompt, read by an earlier request."""
    completion_tokens: int = 0
    shown: int = 0
    taken: int = 0
    dismissed: int = 0
    first_token: Histogram = field(default_factory=Histogram)
    total: Histogram = field(default_factory=Histogram)

    def add(self, **more: int) -> None:
        """Count these."""
        for name, count in more.items():
            setattr(self, name, getattr(self, name) + count)

    def merge(self, other: "Tally") -> None:
        """All that the other holds, too."""
        self.add(**{name: getattr(other, name) for name in COUNTS})
        self.first_token.merge(other.first_token)
        self.total.merge(other.total)

    @property
    def acceptance(self) -> float | None:
        """The share of what editors showed that was taken, 0..1; None where nothing was shown."""
        return round(min(self.taken / self.shown, 1.0), 4) if self.shown else None

    def told(self, model: str = "", checkpoint: str | None = None, key: str = "") -> wire.Usage:
        """As the wire has it."""
        return wire.Usage(
            model=model,
            checkpoint=checkpoint,
            key=key,
            **{name: getattr(self, name) for name in COUNTS},
            first_token_ms_p50=self.first_token.percentile(0.5),
            first_token_ms_p95=self.first_token.percentile(0.95),
            total_ms_p50=self.total.percentile(0.5),
            total_ms_p95=self.total.percentile(0.95),
            acceptance=self.acceptance,
        )
