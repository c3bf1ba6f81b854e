"""AdamW whose state lies in the machine's memory while the model trains on a GPU."""

from collections.abc import Iterable
from typing import Any

import torch
from torch import nn


class OffloadedAdamW:
    """Steps on copies in the machine's memory: gradients go there, weights come back; the numbers are AdamW's own."""

    def __init__(self, weights: Iterable[nn.Parameter], **choices: Any) -> None:
        self._weights = list(weights)
        self._copies = [nn.Parameter(weight.detach().to("cpu", copy=True)) for weight in self._weights]
        self._inner = torch.optim.AdamW(self._copies, **choices)

    @property
    def param_groups(self) -> Any:
        """The optimizer's own, by which a schedule sets the learning rate."""
        return self._inner.param_groups

    def step(self) -> None:
        """One step of every weight that has a gradient."""
        for weight, copy in zip(self._weights, self._copies, strict=True):
            copy.grad = None if weight.grad is None else weight.grad.to("cpu")
        self._inner.step()
        with torch.no_grad():
            for weight, copy in zip(self._weights, self._copies, strict=True):
                weight.copy_(copy)
                copy.grad = None

    def state_dict(self) -> Any:
        """What `load_state_dict` takes up; it lies off the GPU."""
        return self._inner.state_dict()

    def load_state_dict(self, state: dict[str, Any]) -> None:
        """Take up a state, and the weights as they are now."""
        self._inner.load_state_dict(state)
        with torch.no_grad():
            for weight, copy in zip(self._weights, self._copies, strict=True):
                copy.copy_(weight)
