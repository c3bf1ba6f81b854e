"""The gradient of one optimizer step: this process's share of the batch in micro-batches, then all shares together."""

import math
from collections.abc import Sequence
from typing import Any

import torch

from backend.train import forward
from backend.train.batches import batch, weight_of
from backend.train.packing import Row
from backend.train.ranks import Ranks
from backend.train.room import Backoff


class Gradients:
    """Fills the gradients of the trained weights."""

    def __init__(self, model: Any, weights: Sequence[torch.Tensor], pad: int, ranks: Ranks, backoff: Backoff) -> None:
        self._model, self._weights, self._pad = model, list(weights), pad
        self._ranks, self._backoff = ranks, backoff

    def of(self, rows: Sequence[Row], flags: Sequence[float] = ()) -> tuple[float, float, list[float]]:
        """Mean weighted loss of a whole batch in nats per token, the gradients' length clipped to 1, and the flags.

        `flags` come back summed over all processes. The same rows give the same gradients whatever the number of
        processes or the micro-batch size, but for the order in which numbers are added. Raises OutOfRoom."""
        whole = max(weight_of(rows), 1.0)
        share = self._ranks.share(rows)
        loss = self._backoff.run(lambda size: self._add_up(share, whole, size))
        loss, *flags = self._ranks.add_gradients(self._weights, [loss, *flags])
        norm = float(torch.nn.utils.clip_grad_norm_(self._weights, 1.0))
        return loss, norm, list(flags)

    def clear(self) -> None:
        """Forget the gradients, and free their memory."""
        for weight in self._weights:
            weight.grad = None

    def _add_up(self, rows: Sequence[Row], whole: float, size: int) -> float:
        self._model.train()
        losses = []
        for start in range(0, len(rows), size):
            one = batch(rows[start : start + size], self._pad).to(self._ranks.device)
            loss = forward.nats(self._model, one) / whole
            loss.backward()
            losses.append(loss.detach())
        # Asked for once, since a GPU stands still while it is asked.
        return float(torch.stack(losses).sum()) if losses else 0.0


def finite(*values: float) -> bool:
    """Whether all are numbers that a step may be taken with."""
    return all(map(math.isfinite, values))
