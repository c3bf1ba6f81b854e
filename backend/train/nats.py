"""Cross-entropy without the logits: they exist for a few hundred tokens at a time, and so does their gradient."""

from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor
from torch.autograd import Function

ELEMENTS = 2**21
"""Logits that exist at once, as far as a matrix product of `FEWEST` rows allows: they stay in a processor's cache."""
GPU_ELEMENTS = 2**27
"""Half a gigabyte of them: a GPU is not kept busy by less."""
FEWEST = 128


def weighted_nats(hidden: Tensor, head: Tensor, bias: Tensor | None, targets: Tensor, weights: Tensor) -> Tensor:
    """Sum over tokens of weight times cross-entropy, in float32, where `hidden` (tokens x width) meets `head`.

    Tokens of no weight cost nothing. Gradients reach `hidden`, and `head` where it is trained."""
    kept = weights.nonzero()[:, 0]
    if len(kept) < len(weights):
        hidden, targets, weights = hidden[kept], targets[kept], weights[kept]
    nats: Tensor = _Nats.apply(hidden, head, bias, targets, weights)
    return nats


class _Nats(Function):  # type: ignore[misc]
    """The gradient is made with the loss, while a piece of the logits is at hand; then they are forgotten."""

    @staticmethod
    def forward(
        ctx: Any, hidden: Tensor, head: Tensor, bias: Tensor | None, targets: Tensor, weights: Tensor
    ) -> Tensor:
        wanted, head_wanted = ctx.needs_input_grad[0], ctx.needs_input_grad[1]
        total = hidden.new_zeros((), dtype=torch.float32)
        gradient = torch.empty_like(hidden) if wanted else None
        head_gradient = torch.zeros_like(head, dtype=torch.float32) if head_wanted else None
        weight = head.to(hidden.dtype)
        size = max((GPU_ELEMENTS if hidden.is_cuda else ELEMENTS) // len(head), FEWEST)
        for start in range(0, len(hidden), size):
            part = slice(start, start + size)
            chosen, share = targets[part, None], weights[part, None]
            logits = F.linear(hidden[part], weight, None if bias is None else bias.to(hidden.dtype)).float()
            of_chosen, top = logits.gather(1, chosen), logits.amax(1, keepdim=True)
            chances = torch.softmax(logits, 1)
            # The largest chance is exp(top - log of the sum): from it the sum's logarithm loses no digits.
            total += ((top - chances.amax(1, keepdim=True).log() - of_chosen) * share).sum()
            if gradient is None and head_gradient is None:
                continue
            chances.scatter_add_(1, chosen, torch.full_like(of_chosen, -1.0))
            if gradient is not None:
                gradient[part] = torch.mm(chances.to(hidden.dtype), weight) * share
            if head_gradient is not None:
                head_gradient += torch.mm(chances.mul_(share).to(hidden.dtype).t(), hidden[part])
        ctx.save_for_backward(gradient, head_gradient)
        ctx.head_dtype = head.dtype
        return total

    @staticmethod
    def backward(ctx: Any, *outer: Tensor) -> tuple[Tensor | None, Tensor | None, None, None, None]:
        gradient, head_gradient = ctx.saved_tensors
        return (
            None if gradient is None else gradient * outer[0].to(gradient.dtype),
            None if head_gradient is None else (head_gradient * outer[0]).to(ctx.head_dtype),
            None,
            None,
            None,
        )
