"""A Llama-architecture model in plain torch: one forward pass over any mix of prompts and single tokens.

Importing transformers' own costs six seconds and decodes slower; greedy output is the same token for token, which a
test holds. Other architectures are refused in words; they come with their own loader when they can be hosted.
"""

import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
import torch.nn.functional as F
from safetensors.torch import load_file
from torch import Tensor

from backend.errors import RefactError


@dataclass(frozen=True)
class Shape:
    """What config.json says."""

    hidden: int
    layers: int
    heads: int
    kv_heads: int
    head: int
    epsilon: float
    theta: float
    context: int

    @property
    def queries(self) -> int:
        return self.heads * self.head

    @property
    def keys(self) -> int:
        return self.kv_heads * self.head


@dataclass(frozen=True)
class Layer:
    """One block's weights; projections that read the same input are fused."""

    attention_norm: Tensor
    qkv: Tensor
    output: Tensor
    mlp_norm: Tensor
    gate_up: Tensor
    down: Tensor


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


def read_shape(folder: Path) -> Shape:
    """Shape of the model in `folder`. Raises RefactError for what this forward pass does not compute."""
    config: dict[str, Any] = json.loads((folder / "config.json").read_text())
    rope = config.get("rope_parameters") or config.get("rope_scaling") or {}
    odd = [name for name in ("attention_bias", "mlp_bias", "sliding_window", "quantization_config") if config.get(name)]
    if config.get("model_type") != "llama" or rope.get("rope_type", "default") != "default" or odd:
        raise RefactError(f"{folder} is not a plain Llama-architecture model.", "This version serves only those.")
    return Shape(
        hidden=config["hidden_size"],
        layers=config["num_hidden_layers"],
        heads=config["num_attention_heads"],
        kv_heads=config.get("num_key_value_heads") or config["num_attention_heads"],
        head=config.get("head_dim") or config["hidden_size"] // config["num_attention_heads"],
        epsilon=config["rms_norm_eps"],
        theta=float(rope.get("rope_theta") or config.get("rope_theta") or 10_000.0),
        context=config["max_position_embeddings"],
    )


def read_weights(folder: Path, shape: Shape) -> Weights:
    """The base weights, in float32 whatever they are stored in: on a CPU that decodes fastest for small models."""
    raw = {name: tensor.float() for name, tensor in load_file(folder / "model.safetensors").items()}

    def fused(block: str, *names: str) -> Tensor:
        return torch.cat([raw[f"{block}.{name}.weight"] for name in names])

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
            )
        )
    embedding = raw["model.embed_tokens.weight"]
    return Weights(embedding, tuple(layers), raw["model.norm.weight"], raw.get("lm_head.weight", embedding))


class Llama:
    """The forward pass; which weights it runs is the caller's choice each time."""

    def __init__(self, shape: Shape) -> None:
        self.shape = shape
        frequencies = 1.0 / shape.theta ** (torch.arange(0, shape.head, 2, dtype=torch.int64).float() / shape.head)
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
            mixed = F.linear(F.rms_norm(x, (shape.hidden,), layer.attention_norm, shape.epsilon), layer.qkv)
            turned = mixed[:, : shape.queries + shape.keys].unflatten(-1, (-1, shape.head))
            turned = turned * cos + turned.roll(shape.head // 2, -1) * sin
            values = mixed[:, shape.queries + shape.keys :].unflatten(-1, (-1, shape.head))
            attended = [
                self._attend(number, cache, turned[start:end], values[start:end], mask)
                for (cache, _), (start, end), mask in zip(pieces, spans, masks, strict=True)
            ]
            x = x + F.linear(torch.cat(attended) if len(attended) > 1 else attended[0], layer.output)
            seen = F.rms_norm(x, (shape.hidden,), layer.mlp_norm, shape.epsilon)
            gate, up = F.linear(seen, layer.gate_up).chunk(2, -1)
            x = x + F.linear(F.silu(gate) * up, layer.down)
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
