"""The weights of a Llama-architecture model as the worker computes with them, and what an adapter changes in them."""

from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

import torch
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


class Change(NamedTuple):
    """What an adapter adds to one projection: to x @ W comes x @ a @ b, the adapter's scale within b."""

    a: Tensor
    b: Tensor


@dataclass(frozen=True, eq=False)
class LayerChange:
    """The changes of one block, each to the projection of its name."""

    qkv: Change | None = None
    output: Change | None = None
    gate_up: Change | None = None
    down: Change | None = None


@dataclass(frozen=True, eq=False)
class LowRank:
    """An adapter as it is, for rows that run beside the base instead of on a copy of it."""

    layers: tuple[LayerChange, ...]
    bytes: int


def read_weights(folder: Path, shape: Shape) -> Weights:
    """The base weights, in float32 whatever they are stored in: on a CPU that decodes fastest for small models.

    Prompts read in bfloat16 would take three quarters of the time where the CPU computes in it, and change one answer
    in eight of 48 tokens from the starter's own: too many for what is promised.

    Raises RefactError where some are missing."""
    raw: dict[str, Tensor] = {}
    for path in weight_files(folder):
        raw |= {name: tensor.float() for name, tensor in load_file(path).items()}
    try:
        return _arranged(raw, shape)
    except KeyError as error:
        raise RefactError(f"The model in {folder} has no weights called {error}.", "Copy it here again.") from error


def laid(weight: Tensor) -> Tensor:
    """The same matrix, in memory as one token is projected fastest: column by column where it makes long of short.

    On the starter a step of one request takes two thirds of the time by it."""
    rows, columns = weight.shape
    return weight.t().contiguous().t() if rows > columns else weight.contiguous()


def _arranged(raw: dict[str, Tensor], shape: Shape) -> Weights:
    def fused(block: str, *names: str) -> Tensor:
        return laid(torch.cat([raw[f"{block}.{name}.weight"] for name in names]))

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
                output=fused(f"{block}.self_attn", "o_proj"),
                mlp_norm=raw[f"{block}.post_attention_layernorm.weight"],
                gate_up=fused(f"{block}.mlp", "gate_proj", "up_proj"),
                down=fused(f"{block}.mlp", "down_proj"),
                qkv_bias=bias(f"{block}.self_attn", "q_proj", "k_proj", "v_proj"),
                output_bias=bias(f"{block}.self_attn", "o_proj"),
                gate_up_bias=bias(f"{block}.mlp", "gate_proj", "up_proj"),
                down_bias=bias(f"{block}.mlp", "down_proj"),
            )
        )
    embedding, tied = raw["model.embed_tokens.weight"], "lm_head.weight" not in raw
    head = laid(embedding if tied else raw["lm_head.weight"])
    return Weights(head if tied else embedding, tuple(layers), raw["model.norm.weight"], head)
