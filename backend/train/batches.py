"""Packed rows as tensors: documents cannot see each other, and each counts its positions from zero."""

from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

from backend.train.packing import Row

STEP = 32
"""Rows are padded to a multiple of this, so that shapes repeat and memory is reused."""


@dataclass(frozen=True)
class Batch:
    """One micro-batch; `mask` is true where a token (row) may look at another (column)."""

    ids: Tensor
    positions: Tensor
    mask: Tensor
    targets: Tensor
    weights: Tensor

    def to(self, device: torch.device) -> "Batch":
        if device.type == "cpu":
            return self
        return Batch(
            self.ids.to(device),
            self.positions.to(device),
            self.mask.to(device),
            self.targets.to(device),
            self.weights.to(device),
        )


def batch(rows: Sequence[Row], pad: int) -> Batch:
    """The rows side by side, padded at their ends; padding weighs nothing and is seen by nobody but itself."""
    longest = max(row.used for row in rows)
    length = -(-longest // STEP) * STEP
    ids = torch.full((len(rows), length), pad)
    positions = torch.zeros((len(rows), length), dtype=torch.long)
    owners = torch.full((len(rows), length), -1)
    weights = torch.zeros((len(rows), length))
    for number, row in enumerate(rows):
        start = 0
        for owner, document in enumerate(row.sequences):
            end = start + len(document.ids)
            ids[number, start:end] = torch.tensor(document.ids)
            positions[number, start:end] = torch.arange(end - start)
            owners[number, start:end] = owner
            weights[number, start:end] = torch.tensor(document.weights)
            start = end
    causal = torch.ones((length, length), dtype=torch.bool).tril()
    mask = (owners[:, :, None] == owners[:, None, :]) & causal
    # Position t predicts token t + 1; the first token of a document has weight zero, so nothing crosses a border.
    targets, shifted = torch.roll(ids, -1, 1), torch.roll(weights, -1, 1)
    shifted[:, -1] = 0.0
    return Batch(ids, positions, mask[:, None], targets, shifted)


def weight_of(rows: Sequence[Row]) -> float:
    """What all predictions in the rows weigh together."""
    return sum(sum(document.weights) for row in rows for document in row.sequences)
