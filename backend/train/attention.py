"""Attention inside documents only: no token is compared with one that it may not see, nor with padding."""

from collections.abc import Sequence
from functools import cache, lru_cache
from typing import Any

import torch
from torch import Tensor
from torch.autograd import Function
from transformers import AttentionInterface
from transformers.integrations.sdpa_attention import sdpa_attention_forward
from transformers.masking_utils import AttentionMaskInterface, sdpa_mask

from backend.train.batches import Span

NAME = "refact_documents"
"""Under this name transformers' models find it."""
BLOCK = 256
"""Queries that are compared at once: scores exist for so many rows of one document, and are made again backwards."""

FLASH = (torch.bfloat16, torch.float16)
"""What flash attention computes in."""


def register() -> None:
    """Make the attention known to transformers."""
    AttentionInterface.register(NAME, documents_attention)
    AttentionMaskInterface.register(NAME, sdpa_mask)


def documents_attention(
    module: Any,
    query: Tensor,
    key: Tensor,
    value: Tensor,
    attention_mask: Tensor | None,
    scaling: float | None = None,
    dropout: float = 0.0,
    documents: Sequence[Span] | None = None,
    borders: Tensor | None = None,
    sliding_window: int | None = None,
    **others: Any,
) -> Any:
    """What transformers' models call, (mixed values, None); without `documents` it is torch's own with its mask.

    So it is with dropout, or where a document is longer than the window that a model sees."""
    chosen = {"dropout": dropout, "scaling": scaling, "sliding_window": sliding_window}
    if documents is None:
        return sdpa_attention_forward(module, query, key, value, attention_mask, **chosen, **others)
    if dropout or any(end - start > (sliding_window or end) for _, start, end in documents):
        mask = _mask(tuple(documents), query.shape[2], sliding_window, query.device)
        return sdpa_attention_forward(module, query, key, value, mask, **chosen, **others)
    scale = scaling if scaling is not None else query.shape[-1] ** -0.5
    if query.is_cuda and borders is not None and query.dtype in FLASH:
        return _on_gpu(query, key, value, borders, scale), None
    out: Tensor = _Documents.apply(query, key, value, documents, scale)
    return out, None


def _on_gpu(query: Tensor, key: Tensor, value: Tensor, borders: Tensor, scale: float) -> Tensor:
    """Torch's flash attention over documents of any length; written, never run on a GPU."""
    from torch.nn.attention.varlen import varlen_attn

    rows, _, columns, _ = query.shape
    flat = [one.transpose(1, 2).flatten(0, 1) for one in (query, key, value)]
    mixed = varlen_attn(*flat, borders, borders, columns, columns, scale=scale, window_size=(-1, 0), enable_gqa=True)
    return mixed.view(rows, columns, *mixed.shape[1:])


class _Documents(Function):  # type: ignore[misc]
    """Softmax attention, causal and document by document; queries (rows, heads, columns, width) in blocks."""

    @staticmethod
    def forward(ctx: Any, query: Tensor, key: Tensor, value: Tensor, documents: Sequence[Span], scale: float) -> Tensor:
        rows, heads, columns, width = query.shape
        out = query.new_zeros((rows, columns, heads, width))
        for row, start, end in documents:
            for first in range(start, end, BLOCK):
                last = min(first + BLOCK, end)
                chances = _chances(query, key, (row, start, first, last), scale).to(query.dtype)
                mixed = torch.bmm(chances, value[row, :, start:last])
                out[row, first:last] = mixed.view(heads, last - first, width).transpose(0, 1)
        ctx.save_for_backward(query, key, value)
        ctx.documents, ctx.scale = documents, scale
        return out

    @staticmethod
    def backward(ctx: Any, *outer: Tensor) -> tuple[Tensor, Tensor, Tensor, None, None]:
        query, key, value = ctx.saved_tensors
        heads, width, groups = query.shape[1], query.shape[3], key.shape[1]
        to_query, to_key, to_value = torch.zeros_like(query), torch.zeros_like(key), torch.zeros_like(value)
        for row, start, end in ctx.documents:
            keys, values = query.new_zeros((2, groups, end - start, width), dtype=torch.float32)
            for first in range(start, end, BLOCK):
                last = min(first + BLOCK, end)
                chances = _chances(query, key, (row, start, first, last), ctx.scale)
                asked = query[row, :, first:last].reshape(groups, -1, width)
                given = outer[0][row, first:last].transpose(0, 1).reshape(groups, -1, width)
                to_chances = torch.bmm(given, value[row, :, start:last].transpose(1, 2)).float()
                to_scores = torch._softmax_backward_data(to_chances, chances, -1, torch.float32)
                to_scores = to_scores.mul_(ctx.scale).to(query.dtype)
                chances = chances.to(query.dtype)
                to_query[row, :, first:last] = torch.bmm(to_scores, key[row, :, start:last]).view(heads, -1, width)
                keys[:, : last - start] += torch.bmm(to_scores.transpose(1, 2), asked)
                values[:, : last - start] += torch.bmm(chances.transpose(1, 2), given)
            to_key[row, :, start:end] = keys
            to_value[row, :, start:end] = values
        return to_query, to_key, to_value, None, None


def _chances(query: Tensor, key: Tensor, place: tuple[int, int, int, int], scale: float) -> Tensor:
    """How much each query of a block minds each key up to the block's end: (groups, queries of a group, keys)."""
    row, start, first, last = place
    groups, size = key.shape[1], last - first
    asked = query[row, :, first:last].reshape(groups, -1, query.shape[3])
    scores = torch.bmm(asked, key[row, :, start:last].transpose(1, 2)).float().mul_(scale)
    scores.view(groups, -1, size, last - start)[..., first - start :] += _future(size, scores.device)
    return torch.softmax(scores, -1)


@lru_cache(maxsize=2)
def _mask(documents: tuple[Span, ...], columns: int, window: int | None, device: torch.device) -> Tensor:
    """True where a token (row) may look at another (column); padding looks at itself."""
    rows = max(row for row, _, _ in documents) + 1
    mask = torch.eye(columns, dtype=torch.bool).repeat(rows, 1, 1)
    for row, start, end in documents:
        seen = torch.ones((end - start, end - start), dtype=torch.bool).tril_()
        mask[row, start:end, start:end] = seen if window is None else seen.triu_(1 - window)
    return mask[:, None].to(device)


@cache
def _future(size: int, device: torch.device) -> Tensor:
    """Minus infinity where a key comes after its query."""
    return torch.full((size, size), float("-inf"), device=device).triu_(1)
