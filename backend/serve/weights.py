"""The weights of a Llama-architecture model as the worker computes with them, and what an adapter changes in them."""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NamedTuple, TypeAlias

import torch
from safetensors import safe_open
from torch import Tensor

from backend.errors import RefactError
from backend.models.folder import weight_files
from backend.serve.kind import PLAIN, Kind
from backend.serve.llama import Shape
from backend.serve.packed import PACKINGS, Packed4, Packed8

Matrix: TypeAlias = Tensor | Packed8 | Packed4
"""Weights of a projection, whole or packed."""


@dataclass(frozen=True)
class Layer:
    """One block's weights; projections that read the same input are fused. Most models have no biases."""

    attention_norm: Tensor
    qkv: Matrix
    output: Matrix
    mlp_norm: Tensor
    gate_up: Matrix
    down: Matrix
    qkv_bias: Tensor | None = None
    output_bias: Tensor | None = None
    gate_up_bias: Tensor | None = None
    down_bias: Tensor | None = None


@dataclass(frozen=True, eq=False)
class Ends:
    """What stands before the first layer of a model and behind its last one."""

    embedding: Tensor
    norm: Tensor
    head: Tensor


@dataclass(frozen=True, eq=False)
class Weights:
    """A model, or a run of its layers; a merged copy shares what its adapter does not touch."""

    layers: tuple[Layer, ...]
    ends: Ends | None = None
    """Held by the process that holds the first layers."""
    first: int = 0
    """The model's number of its first layer."""
    number: int = 0
    """Names the layers to the processes that hold the others; 0 are the base model's."""

    @property
    def kind(self) -> Kind:
        """Where its numbers lie, and in which form."""
        some = self.layers[0].attention_norm
        return Kind(some.device, some.dtype)


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
    number: int = 0
    """Names it to the processes that hold other layers."""


def read_weights(
    folder: Path,
    shape: Shape,
    kind: Kind = PLAIN,
    layers: range | None = None,
    ends: bool = True,
    quantisation: str = "none",
) -> Weights:
    """The base weights, or some of the layers, of one kind whatever they are stored in; projections packed if wanted.

    On a CPU float32 decodes fastest for small models. Prompts read in bfloat16 would take three quarters of the time
    where the CPU computes in it, and change one answer in eight of 48 tokens from the starter's own: too many for what
    is promised. Raises RefactError where some are missing."""
    layers = range(shape.layers) if layers is None else layers
    wanted = tuple(f"model.layers.{number}." for number in layers)
    pack = PACKINGS.get(quantisation, laid)
    raw: dict[str, Tensor] = {}
    for path in weight_files(folder):
        with safe_open(path, "pt") as file:
            for name in file.keys():  # noqa: SIM118 (it is no mapping)
                if name.startswith(wanted) or (ends and not name.startswith("model.layers.")):
                    raw[name] = file.get_tensor(name).to(*kind)
    try:
        found = tuple(_layer(raw, f"model.layers.{number}", kind, pack) for number in layers)
        return Weights(found, _ends(raw) if ends else None, layers.start)
    except KeyError as error:
        raise RefactError(f"The model in {folder} has no weights called {error}.", "Copy it here again.") from error


def laid(weight: Tensor) -> Tensor:
    """The same matrix, in memory as one token is projected fastest: column by column where it makes long of short.

    On the starter a step of one request takes two thirds of the time by it."""
    rows, columns = weight.shape
    return weight.t().contiguous().t() if rows > columns else weight.contiguous()


def _ends(raw: dict[str, Tensor]) -> Ends:
    embedding, tied = raw["model.embed_tokens.weight"], "lm_head.weight" not in raw
    head = laid(embedding if tied else raw["lm_head.weight"])
    return Ends(head if tied else embedding, raw["model.norm.weight"], head)


def _layer(raw: dict[str, Tensor], block: str, kind: Kind, pack: Callable[[Tensor], Matrix]) -> Layer:
    def fused(*names: str) -> Matrix:
        # What was read goes as it is copied: a model is never in memory twice.
        return pack(torch.cat([raw.pop(f"{block}.{name}.weight") for name in names]))

    def bias(*names: str) -> Tensor | None:
        """Biases side by side, nought where only some have one."""
        found = [raw.get(f"{block}.{name}.bias") for name in names]
        if all(one is None for one in found):
            return None
        sizes = [len(raw[f"{block}.{name}.weight"]) for name in names]
        plain: Any = {"device": kind.device, "dtype": kind.dtype}
        return torch.cat(
            [torch.zeros(size, **plain) if one is None else one for one, size in zip(found, sizes, strict=True)]
        )

    projections = {
        "qkv": ("self_attn.q_proj", "self_attn.k_proj", "self_attn.v_proj"),
        "output": ("self_attn.o_proj",),
        "gate_up": ("mlp.gate_proj", "mlp.up_proj"),
        "down": ("mlp.down_proj",),
    }
    biases = {f"{field}_bias": bias(*names) for field, names in projections.items()}
    return Layer(
        attention_norm=raw[f"{block}.input_layernorm.weight"],
        mlp_norm=raw[f"{block}.post_attention_layernorm.weight"],
        **{field: fused(*names) for field, names in projections.items()},
        **biases,
    )
