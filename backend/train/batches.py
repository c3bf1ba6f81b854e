"""Packed rows as tensors: documents cannot see each other, and each counts its positions from zero."""

from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

from backend.train.packing import Row

STEP = 32
"""Rows are padded to a multiple of this, so that shapes repeat and memory is reused."""
Span = tuple[int, int, int]
"""A document in a batch: its row, its first column, and the column after its last."""


@dataclass(frozen=True)
class Batch:
    """One micro-batch."""

    ids: Tensor
    positions: Tensor
    documents: tuple[Span, ...]
    borders: Tensor
    """Where documents and runs of padding begin, counted over the rows one after the other, and where the last ends."""
    targets: Tensor
    weights: Tensor

    def to(self, device: torch.device) -> "Batch":
        """The same on another device; itself on the CPU."""
        if device.type == "cpu":
            return self
        return Batch(
            self.ids.to(device),
            self.positions.to(device),
            self.documents,
            self.borders.to(device),
            self.targets.to(device),
            self.weights.to(device),
        )

    def mask(self, window: int | None = None) -> Tensor:
        """True where a token (row) may look at another (column), as models take it that know of no documents.

        With a `window` it sees so many tokens at most, itself among them."""
        owners = torch.full(self.ids.shape, -1)
        for owner, (row, start, end) in enumerate(self.documents):
            owners[row, start:end] = owner
        causal = torch.ones((owners.shape[1], owners.shape[1]), dtype=torch.bool).tril()
        if window is not None:
            causal = causal.triu(1 - window)
        return ((owners[:, :, None] == owners[:, None, :]) & causal)[:, None].to(self.ids.device)


def batch(rows: Sequence[Row], pad: int) -> Batch:
    """The rows side by side, padded at their ends; padding weighs nothing and is seen by nobody but itself."""
    longest = max(row.used for row in rows)
    length = -(-longest // STEP) * STEP
    ids = torch.full((len(rows), length), pad)
    positions = torch.zeros((len(rows), length), dtype=torch.long)
    weights = torch.zeros((len(rows), length))
    documents: list[Span] = []
    borders = [0]
    for number, row in enumerate(rows):
        start = 0
        for document in row.sequences:
            end = start + len(document.ids)
            ids[number, start:end] = torch.tensor(document.ids)
            positions[number, start:end] = torch.arange(end - start)
            weights[number, start:end] = torch.tensor(document.weights)
            documents.append((number, start, end))
            borders.append(number * length + end)
            start = end
        if start < length:
            borders.append((number + 1) * length)
    # Position t predicts token t + 1; the first token of a document has weight zero, so nothing crosses a border.
    targets, shifted = torch.roll(ids, -1, 1), torch.roll(weights, -1, 1)
    shifted[:, -1] = 0.0
    starts = torch.tensor(borders, dtype=torch.int32)
    return Batch(ids, positions, tuple(documents), starts, targets, shifted)


def weight_of(rows: Sequence[Row]) -> float:
    """What all predictions in the rows weigh together."""
    return sum(sum(document.weights) for row in rows for document in row.sequences)
