"""A Llama-architecture model in plain torch: one forward pass over any mix of prompts and single tokens.

Importing transformers' own costs six seconds and decodes slower; greedy output is the same token for token, which a
test holds. Mistral and Qwen2 are Llama but for a window and some biases; others are refused in words (`serve.llama`).
"""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import torch
import torch.nn.functional as F
from safetensors.torch import load_file
from torch import Tensor

from backend.errors import RefactError
from backend.models.folder import weight_files
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


class Cache:
    """Keys and values of one request, allocated once for its longest."""

    def __init__(self, shape: Shape, length: int) -> None:
        self.keys = torch.empty(shape.layers, shape.kv_heads, length, shape.head)
        self.values = torch.empty(shape.layers, shape.kv_heads, length, shape.head)
        self.used = 0


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

    def forward(self, weights: Weights, pieces: Sequence[tuple[Cache, list[int]]]) -> Tensor:
        """Logits behind each piece's last token; the pieces' tokens join their caches.

        A piece is the next part of a prompt or one new token; pieces of different requests share every projection."""
        shape = self.shape
        spans = _spans(pieces)
        positions = torch.cat([torch.arange(cache.used, cache.used + len(ids)) for cache, ids in pieces])
        cos, sin = self._cos[positions].unsqueeze(1), self._sin[positions].unsqueeze(1)
        x = weights.embedding[torch.tensor([id_ for _, ids in pieces for id_ in ids])]
        masks = [_mask(cache.used, len(ids)) for cache, ids in pieces]
        for number, layer in enumerate(weights.layers):
            mixed = F.linear(
                F.rms_norm(x, (shape.hidden,), layer.attention_norm, shape.epsilon), layer.qkv, layer.qkv_bias
            )
            turned = mixed[:, : shape.queries + shape.keys].unflatten(-1, (-1, shape.head))
            turned = turned * cos + turned.roll(shape.head // 2, -1) * sin
            values = mixed[:, shape.queries + shape.keys :].unflatten(-1, (-1, shape.head))
            attended = [
                self._attend(number, cache, turned[start:end], values[start:end], mask)
                for (cache, _), (start, end), mask in zip(pieces, spans, masks, strict=True)
            ]
            joined = torch.cat(attended) if len(attended) > 1 else attended[0]
            x = x + F.linear(joined, layer.output, layer.output_bias)
            seen = F.rms_norm(x, (shape.hidden,), layer.mlp_norm, shape.epsilon)
            gate, up = F.linear(seen, layer.gate_up, layer.gate_up_bias).chunk(2, -1)
            x = x + F.linear(F.silu(gate) * up, layer.down, layer.down_bias)
        for cache, ids in pieces:
            cache.used += len(ids)
        last = x[torch.tensor([end - 1 for _, end in spans])]
        return F.linear(F.rms_norm(last, (shape.hidden,), weights.norm, shape.epsilon), weights.head)

    def _attend(self, number: int, cache: Cache, turned: Tensor, values: Tensor, mask: Tensor | None) -> Tensor:
        """Attention of one piece over its own cache, into which its keys and values go first."""
        shape, start, end = self.shape, cache.used, cache.used + turned.shape[0]
        keys = cache.keys[number, :, :end]
        cached = cache.values[number, :, :end]
        keys[:, start:] = turned[:, shape.heads :].transpose(0, 1)
        cached[:, start:] = values.transpose(0, 1)
        out = F.scaled_dot_product_attention(
            turned[:, : shape.heads].transpose(0, 1).unsqueeze(0),
            keys.unsqueeze(0),
            cached.unsqueeze(0),
            attn_mask=mask,
            enable_gqa=shape.heads != shape.kv_heads,
        )
        return out.squeeze(0).transpose(0, 1).reshape(end - start, shape.queries)


def _spans(pieces: Sequence[tuple[Cache, list[int]]]) -> list[tuple[int, int]]:
    """Where each piece's tokens lie in the batch."""
    spans, start = [], 0
    for _, ids in pieces:
        spans.append((start, start + len(ids)))
        start += len(ids)
    return spans


def _mask(used: int, new: int) -> Tensor | None:
    """Which keys each new token may see; None where all are."""
    if new == 1:
        return None
    return torch.arange(used + new) <= torch.arange(used, used + new).unsqueeze(1)
