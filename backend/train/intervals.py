"""How sure a difference is: 95 % intervals by the paired bootstrap, resampling whole files; pure."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

RESAMPLES = 2000
LOW, HIGH = 2.5, 97.5


@dataclass(frozen=True)
class Sums:
    """What base and tuned model have summed up in one file, and over how much: tokens, or places."""

    base: float
    tuned: float
    count: float


def pair(files: Sequence[Sums]) -> dict[str, float | None]:
    """Means of base and tuned model, and the interval of their difference (tuned - base).

    Files are drawn with replacement (Efron's percentile bootstrap): what is in one file has much in common, so places
    or tokens are no independent draws. With less than two files there is no interval. All None where nothing counts."""
    kept = [one for one in files if one.count > 0]
    if not kept:
        return {"base": None, "tuned": None, "low": None, "high": None}
    base, tuned, count = (np.array([getattr(one, name) for one in kept]) for name in ("base", "tuned", "count"))
    found: dict[str, float | None] = {
        "base": float(base.sum() / count.sum()),
        "tuned": float(tuned.sum() / count.sum()),
        "low": None,
        "high": None,
    }
    if len(kept) > 1:
        drawn = np.random.default_rng(0).integers(0, len(kept), (RESAMPLES, len(kept)))
        differences = (tuned - base)[drawn].sum(1) / count[drawn].sum(1)
        low, high = np.percentile(differences, [LOW, HIGH])
        found |= {"low": float(low), "high": float(high)}
    return found
