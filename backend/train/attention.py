"""Attention inside documents only: no token is compared with one that it may not see, nor with padding."""

from collections.abc import Iterator, Sequence
from functools import cache, lru_cache
from typing import Any, NamedTuple

import torch
from torch import Tensor
from torch.autograd import Function
from transformers import AttentionInterface
from transformers.integrations.sdpa_attention import sdpa_attention_forward
from transformers.masking_utils import AttentionMaskInterface, sdpa_mask

from backend.train.batches import Span

NAME = "refact_documents"
"""Under this name transformers' models find it."""
ATTRIBUTE = "_refact_documents"
BLOCK = 256
"""Queries that are compared at once: scores exist for so many rows of one document, and are made again backwards."""

FLASH = (torch.bfloat16, torch.float16)
"""What flash attention computes in."""


def register() -> None:
    """Make the attention known to transformers."""
    AttentionInterface.register(NAME, documents_attention)
    AttentionMaskInterface.register(NAME, sdpa_mask)


def mask_of(documents: Sequence[Span], borders: Tensor) -> Tensor:
    """A mask that says which documents there are instead of who sees whom.

    One of four dimensions is handed on as it is, while not every model hands on what else it is called with."""
    mask = torch.zeros((1, 1, 1, 1), device=borders.device)
    setattr(mask, ATTRIBUTE, (documents, borders))
    return mask


def documents_attention(
    module: Any,
    query: Tensor,
    key: Tensor,
    value: Tensor,
    attention_mask: Tensor | None,
    scaling: float | None = None,
    dropout: float = 0.0,
    sliding_window: int | None = None,
    **others: Any,
) -> Any:
    """What transformers' models call, (mixed values, None); with a mask not of `mask_of` it is torch's own.

    So it is with dropout on a GPU."""
    documents, borders = getattr(attention_mask, ATTRIBUTE, (None, None))
    chosen = {"dropout": dropout, "scaling": scaling, "sliding_window": sliding_window}
    if documents is None:
        return sdpa_attention_forward(module, query, key, value, attention_mask, **chosen, **others)
    if dropout and query.is_cuda:
        mask = _mask(tuple(documents), query.shape[2], sliding_window, query.device)
        return sdpa_attention_forward(module, query, key, value, mask, **chosen, **others)
    scale = scaling if scaling is not None else query.shape[-1] ** -0.5
    if query.is_cuda and borders is not None and query.dtype in FLASH:
        return _on_gpu(query, key, value, borders, scale, sliding_window), None
    out: Tensor = _Documents.apply(query, key, value, documents, Chosen(scale, sliding_window, dropout))
    return out, None


def _on_gpu(query: Tensor, key: Tensor, value: Tensor, borders: Tensor, scale: float, window: int | None) -> Tensor:
    """Torch's flash attention over documents of any length."""
    from torch.nn.attention.varlen import varlen_attn

    rows, _, columns, _ = query.shape
    flat = [one.transpose(1, 2).flatten(0, 1) for one in (query, key, value)]
    seen = (-1 if window is None else window - 1, 0)
    mixed = varlen_attn(*flat, borders, borders, columns, columns, scale=scale, window_size=seen, enable_gqa=True)
    return mixed.view(rows, columns, *mixed.shape[1:])


class Chosen(NamedTuple):
    """What does not change with the tokens."""

    scale: float
    window: int | None = None
    """Tokens that one sees at most, itself among them."""
    dropout: float = 0.0


class _Block(NamedTuple):
    """Queries `first` to `last` of a row, and the first key that any of them sees."""

    row: int
    seen: int
    first: int
    last: int

    @property
    def number(self) -> int:
        """Where it begins, as one number."""
        return self.row << 32 | self.first


class _Documents(Function):  # type: ignore[misc]
    """Softmax attention, causal and document by document; queries (rows, heads, columns, width) in blocks."""

    @staticmethod
    def forward(
        ctx: Any, query: Tensor, key: Tensor, value: Tensor, documents: Sequence[Span], chosen: Chosen
    ) -> Tensor:
        rows, heads, columns, width = query.shape
        out = query.new_zeros((rows, columns, heads, width))
        # Drawn from the generator of the run, so that a run gone on with drops the same.
        seed = int(torch.randint(2**62, ())) if chosen.dropout else 0
        for block in _blocks(documents, chosen.window):
            chances = _dropped(_chances(query, key, block, chosen), block, chosen, seed)[0].to(query.dtype)
            mixed = torch.bmm(chances, value[block.row, :, block.seen : block.last])
            size = block.last - block.first
            out[block.row, block.first : block.last] = mixed.view(heads, size, width).transpose(0, 1)
        ctx.save_for_backward(query, key, value)
        ctx.documents, ctx.chosen, ctx.seed = documents, chosen, seed
        return out

    @staticmethod
    def backward(ctx: Any, *outer: Tensor) -> tuple[Tensor, Tensor, Tensor, None, None]:
        query, key, value = ctx.saved_tensors
        heads, width, groups = query.shape[1], query.shape[3], key.shape[1]
        to_query, to_key, to_value = torch.zeros_like(query), torch.zeros_like(key), torch.zeros_like(value)
        for document in ctx.documents:
            row, start, end = document
            keys, values = query.new_zeros((2, groups, end - start, width), dtype=torch.float32)
            for block in _blocks([document], ctx.chosen.window):
                part, seen = slice(block.first, block.last), slice(block.seen, block.last)
                chances = _chances(query, key, block, ctx.chosen)
                dropped, kept = _dropped(chances, block, ctx.chosen, ctx.seed)
                asked = query[row, :, part].reshape(groups, -1, width)
                given = outer[0][row, part].transpose(0, 1).reshape(groups, -1, width)
                to_chances = torch.bmm(given, value[row, :, seen].transpose(1, 2)).float()
                if kept is not None:
                    to_chances *= kept
                to_scores = torch._softmax_backward_data(to_chances, chances, -1, torch.float32)
                to_scores = to_scores.mul_(ctx.chosen.scale).to(query.dtype)
                to_query[row, :, part] = torch.bmm(to_scores, key[row, :, seen]).view(heads, -1, width)
                held = slice(block.seen - start, block.last - start)
                keys[:, held] += torch.bmm(to_scores.transpose(1, 2), asked)
                values[:, held] += torch.bmm(dropped.to(query.dtype).transpose(1, 2), given)
            to_key[row, :, start:end] = keys
            to_value[row, :, start:end] = values
        return to_query, to_key, to_value, None, None


def _blocks(documents: Sequence[Span], window: int | None) -> Iterator[_Block]:
    """The documents' queries in pieces."""
    for row, start, end in documents:
        for first in range(start, end, BLOCK):
            seen = start if window is None else max(start, first - window + 1)
            yield _Block(row, seen, first, min(first + BLOCK, end))


def _chances(query: Tensor, key: Tensor, block: _Block, chosen: Chosen) -> Tensor:
    """How much each query of a block minds each key up to the block's end: (groups, queries of a group, keys)."""
    row, seen, first, last = block
    groups, size, width = key.shape[1], last - first, last - seen
    asked = query[row, :, first:last].reshape(groups, -1, query.shape[3])
    scores = torch.bmm(asked, key[row, :, seen:last].transpose(1, 2)).float().mul_(chosen.scale)
    by_query = scores.view(groups, -1, size, width)
    by_query[..., first - seen :] += _future(size, scores.device)
    if chosen.window is not None and width > chosen.window:
        by_query += torch.full((size, width), float("-inf"), device=scores.device).tril_(first - seen - chosen.window)
    return torch.softmax(scores, -1)


def _dropped(chances: Tensor, block: _Block, chosen: Chosen, seed: int) -> tuple[Tensor, Tensor | None]:
    """The chances of which some are dropped and the others grow, the same for the same seed; and by what they grew."""
    if not chosen.dropout:
        return chances, None
    generator = torch.Generator(chances.device).manual_seed((seed + block.number) % 2**63)
    kept = torch.empty_like(chances).bernoulli_(1 - chosen.dropout, generator=generator).div_(1 - chosen.dropout)
    return chances * kept, kept


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
