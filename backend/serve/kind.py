"""Where a worker's tensors lie, and what numbers they hold."""

from typing import NamedTuple

import torch

DTYPES = {"fp32": torch.float32, "bf16": torch.bfloat16, "fp16": torch.float16}


class Kind(NamedTuple):
    """All tensors of a part of a model are of one kind."""

    device: torch.device
    dtype: torch.dtype


PLAIN = Kind(torch.device("cpu"), torch.float32)


def kind_of(device: str, dtype: str) -> Kind:
    """By their names: `cpu` or `cuda:0`, and fp32, bf16 or fp16."""
    return Kind(torch.device(device), DTYPES[dtype])


def limit(device: torch.device, most: int | None) -> None:
    """Let this process take at most so many bytes of a GPU; more is out of memory, and others keep theirs."""
    if device.type == "cuda" and most is not None:
        total = torch.cuda.get_device_properties(device).total_memory
        torch.cuda.set_per_process_memory_fraction(min(most / total, 1.0), device)


def taken(device: torch.device) -> int:
    """Bytes of a GPU that this process holds; none on a CPU."""
    return torch.cuda.memory_reserved(device) if device.type == "cuda" else 0
