"""The arithmetic of a linear layer with an adapter: same result as peft's, fewer passes, less kept for the way back."""

from typing import Any

import torch
from peft.tuners.lora.layer import Linear
from torch import Tensor, nn
from torch.autograd import Function


def quicken(model: Any) -> None:
    """Let every plain adapted layer of a peft model compute by this file while it trains a single adapter."""
    for module in model.modules():
        if type(module) is Linear and type(module.base_layer) is nn.Linear and not module.lora_variant:
            module.forward = _forward_of(module)


def _forward_of(layer: Any) -> Any:
    peft_forward = layer.forward

    def forward(x: Tensor, *args: Any, **kwargs: Any) -> Any:
        names = layer.active_adapters
        plain = not (args or kwargs or layer.disable_adapters or layer.merged) and len(names) == 1
        if not plain or names[0] not in layer.lora_A or not isinstance(layer.lora_dropout[names[0]], nn.Identity):
            return peft_forward(x, *args, **kwargs)
        base, down, up = layer.base_layer, layer.lora_A[names[0]], layer.lora_B[names[0]]
        return _AdaptedLinear.apply(x, base.weight, base.bias, down.weight, up.weight, layer.scaling[names[0]])

    return forward


class _AdaptedLinear(Function):  # type: ignore[misc]
    """x W' + bias + scale (x A') B': the frozen W and the trained halves A and B in their own precisions."""

    @staticmethod
    def forward(
        ctx: Any, x: Tensor, weight: Tensor, bias: Tensor | None, down: Tensor, up: Tensor, scale: float
    ) -> Tensor:
        flat = x.reshape(-1, x.shape[-1])
        narrow = torch.mm(flat, down.to(x.dtype).t())
        out = torch.nn.functional.linear(flat, weight, bias)
        out.addmm_(narrow, (up * scale).to(x.dtype).t())
        ctx.save_for_backward(flat, weight, down, up, narrow)
        ctx.scale, ctx.shape = scale, x.shape
        return out.view(*x.shape[:-1], -1)

    @staticmethod
    def backward(ctx: Any, *outer: Tensor) -> tuple[Tensor | None, None, None, Tensor, Tensor, None]:
        flat, weight, down, up, narrow = ctx.saved_tensors
        given = outer[0].reshape(-1, outer[0].shape[-1])
        to_narrow = torch.mm(given, (up * ctx.scale).to(flat.dtype))
        to_down = torch.mm(to_narrow.t(), flat).to(down.dtype)
        to_up = torch.mm(given.t(), narrow).to(up.dtype).mul_(ctx.scale)
        to_x = None
        if ctx.needs_input_grad[0]:
            to_x = torch.mm(given, weight).addmm_(to_narrow, down.to(flat.dtype)).view(ctx.shape)
        return to_x, None, None, to_down, to_up, None
