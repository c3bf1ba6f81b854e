"""The processes of one run: alone, or side by side by torchrun; only here do they speak with one another."""

import os
from collections.abc import Sequence
from typing import Any

import torch
import torch.distributed
from accelerate import Accelerator

from backend.jobs.process import die_with
from backend.train.packing import Row


class Ranks:
    """This process among those of its run; the first one journals, saves and evaluates."""

    def __init__(self) -> None:
        if "TORCHELASTIC_RUN_ID" in os.environ:
            die_with(os.getppid())
        self.accelerator = Accelerator(cpu=not torch.cuda.is_available())
        self.number: int = self.accelerator.process_index
        self.count: int = self.accelerator.num_processes
        self.device: torch.device = self.accelerator.device

    @property
    def first(self) -> bool:
        """Whether it is the one process of all that writes and speaks."""
        return self.number == 0

    def share(self, rows: Sequence[Row]) -> Sequence[Row]:
        """What of a batch this process computes."""
        return rows[self.number :: self.count]

    def add_up(self, values: Sequence[float]) -> list[float]:
        """Each value summed over all processes."""
        if self.count == 1:
            return list(values)
        together = torch.tensor(values, dtype=torch.float64, device=self.device)
        found: list[float] = self.accelerator.reduce(together, "sum").tolist()
        return found

    def add_gradients(self, weights: Sequence[torch.Tensor], values: Sequence[float]) -> list[float]:
        """Sum the gradients of all processes in place, and the values with them in one message."""
        if self.count == 1:
            return list(values)
        for weight in weights:
            if weight.grad is None:
                weight.grad = torch.zeros_like(weight)
        gradients: list[Any] = [weight.grad for weight in weights]
        own = torch.tensor(values, dtype=torch.float32, device=self.device)
        flat = torch.cat([own, *(one.flatten() for one in gradients)])
        torch.distributed.all_reduce(flat)
        sizes = [len(own), *(one.numel() for one in gradients)]
        head, *summed = flat.split(sizes)
        for one, found in zip(gradients, summed, strict=True):
            one.copy_(found.view_as(one))
        values_found: list[float] = head.tolist()
        return values_found

    def of_first(self, value: float) -> float:
        """What the first process says."""
        return self.add_up([value if self.first else 0.0])[0]

    def wait(self) -> None:
        """Go on when all have come this far."""
        self.accelerator.wait_for_everyone()

    def leave(self) -> None:
        """Part from the others when all have come this far; nothing is shared after this."""
        self.wait()
        self.accelerator.end_training()
