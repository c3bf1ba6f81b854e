"""Cross-entropy of the output layer piece by piece, forward and backward at once: logits stay in the cache."""

from typing import Any

import torch
from torch import Tensor

ROWS = 256
"""Tokens whose logits exist at once."""


class HeadLoss(torch.autograd.Function):  # type: ignore[misc]
    """Mean loss in nats of (tokens, hidden) under (vocabulary, hidden) for (tokens,) targets."""

    @staticmethod
    def forward(ctx: Any, hidden: Tensor, weight: Tensor, targets: Tensor) -> Tensor:
        """The loss; the gradients are ready by then."""
        to_hidden, to_weight = torch.empty_like(hidden), torch.zeros_like(weight)
        total = hidden.new_zeros(())
        for start in range(0, len(targets), ROWS):
            piece, wanted = hidden[start : start + ROWS], targets[start : start + ROWS, None]
            logits = piece @ weight.T
            logits -= logits.amax(1, keepdim=True)
            told = logits.gather(1, wanted)
            sums = logits.exp_().sum(1, keepdim=True)
            total += (sums.log() - told).sum()
            logits /= sums
            logits.scatter_add_(1, wanted, torch.full_like(told, -1.0))
            torch.mm(logits, weight, out=to_hidden[start : start + ROWS])
            to_weight.addmm_(logits.T, piece)
        ctx.save_for_backward(to_hidden / len(targets), to_weight / len(targets))
        return total / len(targets)

    @staticmethod
    def backward(ctx: Any, gradient: Tensor) -> tuple[Tensor, Tensor, None]:
        to_hidden, to_weight = ctx.saved_tensors
        return to_hidden * gradient, to_weight * gradient, None
