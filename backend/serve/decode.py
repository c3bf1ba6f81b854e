"""A Llama-architecture model in plain torch: one forward pass over any mix of prompts and single tokens.

Importing transformers' own costs six seconds and decodes slower; greedy output is the same token for token, which a
test holds. Mistral and Qwen2 are Llama but for a window and some biases; others are refused in words (`serve.llama`).
"""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

import torch
import torch.nn.functional as F
from safetensors.torch import load_file
from torch import Tensor

from backend.errors import RefactError
from backend.models.folder import weight_files
from backend.serve.caches import Cache
from backend.serve.llama import Shape


@dataclass(frozen=True)
class Layer:
    """One block's weights; projections that read the same input are fused. Most models have no biases."""

    attention_norm: Tensor
    qkv: Tensor
    output: Tensor
    mlp_norm: Tensor
    gate_up: Tensor
    down: Tensor
    qkv_bias: Tensor | None = None
    output_bias: Tensor | None = None
    gate_up_bias: Tensor | None = None
    down_bias: Tensor | None = None


@dataclass(frozen=True)
class Weights:
    """One complete model; a merged copy shares what its adapter does not touch."""

    embedding: Tensor
    layers: tuple[Layer, ...]
    norm: Tensor
    head: Tensor


class Piece(NamedTuple):
    """The next part of one request: some of its prompt, its newest token, or that and a guess at the next ones."""

    cache: Cache
    ids: list[int]
    wanted: int = 1
    """Behind how many of its last tokens logits are asked for."""


def read_weights(folder: Path, shape: Shape) -> Weights:
    """The base weights, in float32 whatever they are stored in: on a CPU that decodes fastest for small models.

    Raises RefactError where some are missing."""
    raw: dict[str, Tensor] = {}
    for path in weight_files(folder):
        raw |= {name: tensor.float() for name, tensor in load_file(path).items()}
    try:
        return _arranged(raw, shape)
    except KeyError as error:
        raise RefactError(f"The model in {folder} has no weights called {error}.", "Copy it here again.") from error


def _arranged(raw: dict[str, Tensor], shape: Shape) -> Weights:
    def fused(block: str, *names: str) -> Tensor:
        return torch.cat([raw[f"{block}.{name}.weight"] for name in names])

    def bias(block: str, *names: str) -> Tensor | None:
        """Biases side by side, nought where only some have one."""
        found = [raw.get(f"{block}.{name}.bias") for name in names]
        if all(one is None for one in found):
            return None
        sizes = [len(raw[f"{block}.{name}.weight"]) for name in names]
        return torch.cat([torch.zeros(size) if one is None else one for one, size in zip(found, sizes, strict=True)])

    layers = []
    for number in range(shape.layers):
        block = f"model.layers.{number}"
        layers.append(
            Layer(
                attention_norm=raw[f"{block}.input_layernorm.weight"],
                qkv=fused(f"{block}.self_attn", "q_proj", "k_proj", "v_proj"),
                output=raw[f"{block}.self_attn.o_proj.weight"],
                mlp_norm=raw[f"{block}.post_attention_layernorm.weight"],
                gate_up=fused(f"{block}.mlp", "gate_proj", "up_proj"),
                down=raw[f"{block}.mlp.down_proj.weight"],
                qkv_bias=bias(f"{block}.self_attn", "q_proj", "k_proj", "v_proj"),
                output_bias=bias(f"{block}.self_attn", "o_proj"),
                gate_up_bias=bias(f"{block}.mlp", "gate_proj", "up_proj"),
                down_bias=bias(f"{block}.mlp", "down_proj"),
            )
        )
    embedding = raw["model.embed_tokens.weight"]
    return Weights(embedding, tuple(layers), raw["model.norm.weight"], raw.get("lm_head.weight", embedding))


class Llama:
    """The forward pass; which weights it runs is the caller's choice each time."""

    def __init__(self, shape: Shape) -> None:
        self.shape = shape
        plain = 1.0 / shape.theta ** (torch.arange(0, shape.head, 2, dtype=torch.int64).float() / shape.head)
        frequencies = torch.tensor([shape.stretched(frequency) for frequency in plain.tolist()])
        angles = torch.outer(torch.arange(shape.context).float(), frequencies)
        self._cos = torch.cat((angles, angles), -1).cos()
        # The sign of "rotate half" is folded into the table: one multiplication less in every layer.
        self._sin = torch.cat((-angles.sin(), angles.sin()), -1)

    def forward(self, weights: Weights, pieces: Sequence[Piece]) -> Tensor:
        """Logits behind the last tokens of each piece, as many as it wants; the pieces' tokens join their caches.

        Pieces of different requests share every projection. Each attends for itself: one padded call for all is no
        faster where memory is what limits, and reads more (`bench_decode.py`)."""
        shape = self.shape
        spans = _spans(pieces)
        positions = [place for piece in pieces for place in range(piece.cache.used, piece.cache.used + len(piece.ids))]
        cos, sin = self._cos[positions].unsqueeze(1), self._sin[positions].unsqueeze(1)
        x = weights.embedding[[id_ for piece in pieces for id_ in piece.ids]]
        attention = [_Attention(shape, piece, span) for piece, span in zip(pieces, spans, strict=True)]
        for number, layer in enumerate(weights.layers):
            mixed = F.linear(
                F.rms_norm(x, (shape.hidden,), layer.attention_norm, shape.epsilon), layer.qkv, layer.qkv_bias
            )
            turned = mixed[:, : shape.queries + shape.keys].unflatten(-1, (-1, shape.head))
            turned = turned * cos + turned.roll(shape.head // 2, -1) * sin
            values = mixed[:, shape.queries + shape.keys :].unflatten(-1, (-1, shape.head))
            queries, keys = turned[:, : shape.heads], turned[:, shape.heads :]
            attended = [one.attend(number, queries, keys, values) for one in attention]
            joined = torch.cat(attended) if len(attended) > 1 else attended[0]
            x = x + F.linear(joined, layer.output, layer.output_bias)
            seen = F.rms_norm(x, (shape.hidden,), layer.mlp_norm, shape.epsilon)
            gate, up = F.linear(seen, layer.gate_up, layer.gate_up_bias).chunk(2, -1)
            x = x + F.linear(F.silu(gate) * up, layer.down, layer.down_bias)
        for piece in pieces:
            piece.cache.used += len(piece.ids)
        asked = [
            place for piece, (_, end) in zip(pieces, spans, strict=True) for place in range(end - piece.wanted, end)
        ]
        return F.linear(F.rms_norm(x[asked], (shape.hidden,), weights.norm, shape.epsilon), weights.head)


class _Attention:
    """One piece's attention over its own cache, into which its keys and values go first."""

    def __init__(self, shape: Shape, piece: Piece, span: tuple[int, int]) -> None:
        self._shape, (self._start, self._end) = shape, span
        new = len(piece.ids)
        used, end = piece.cache.used, piece.cache.used + new
        self._places, self._all = piece.cache.between(used, end), piece.cache.upto(end)
        self._alone, self._causal, self._mask = new == 1, used == 0, None
        if new > 1 and used:
            # In numbers, since torch would make them of a mask of truths again in every layer.
            unseen = torch.arange(end) > torch.arange(used, end).unsqueeze(1)
            self._mask = torch.zeros(new, end).masked_fill_(unseen, -torch.inf)

    def attend(self, number: int, queries: Tensor, keys: Tensor, values: Tensor) -> Tensor:
        """Of layer `number`; the tensors hold all pieces."""
        shape, start, end = self._shape, self._start, self._end
        self._places[2 * number].copy_(keys[start:end].transpose(0, 1))
        self._places[2 * number + 1].copy_(values[start:end].transpose(0, 1))
        known, held = self._all[2 * number], self._all[2 * number + 1]
        if self._alone:
            # Heads that share keys stand in for several tokens, so that no key is copied.
            asked = queries[start:end].view(1, shape.kv_heads, -1, shape.head)
            return F.scaled_dot_product_attention(asked, known, held).reshape(1, shape.queries)
        out = F.scaled_dot_product_attention(
            queries[start:end].transpose(0, 1).unsqueeze(0),
            known,
            held,
            attn_mask=self._mask,
            is_causal=self._causal,
            enable_gqa=shape.heads != shape.kv_heads,
        )
        return out.squeeze(0).transpose(0, 1).reshape(end - start, shape.queries)


def _spans(pieces: Sequence[Piece]) -> list[tuple[int, int]]:
    """Where each piece's tokens lie in the batch."""
    spans, start = [], 0
    for piece in pieces:
        spans.append((start, start + len(piece.ids)))
        start += len(piece.ids)
    return spans
