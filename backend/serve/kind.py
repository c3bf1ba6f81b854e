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
