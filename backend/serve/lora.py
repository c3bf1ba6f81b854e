"""An adapter as PEFT writes it: merged into a copy of the base weights, or as it is, to be run beside them."""

import itertools
import json
import re
from dataclasses import dataclass, fields, replace
from pathlib import Path
from typing import Any, NamedTuple

import torch
from safetensors.torch import load_file
from torch import Tensor

from backend.errors import RefactError
from backend.serve.kind import Kind
from backend.serve.llama import Shape
from backend.serve.weights import Change, Layer, LayerChange, LowRank, Weights, laid

NUMBERS = itertools.count(1)
"""Of copies and of adapters as they are made here."""
WEIGHTS = "adapter_model.safetensors"
LAYER = re.compile(r"base_model\.model\.model\.layers\.(\d+)\.\w+\.(\w+)\.lora_([AB])\.weight")
WHOLE = {
    "base_model.model.model.embed_tokens.weight": "embedding",
    "base_model.model.lm_head.weight": "head",
}
"""Weights that a run may have trained as they are."""
ODD = ("use_dora", "rank_pattern", "alpha_pattern", "layer_replication", "use_qalora", "lora_bias")


@dataclass(frozen=True)
class Fitted:
    """An adapter that fits: the base with what was trained whole in it, and the rest as it is."""

    weights: Weights
    change: LowRank


def fit(base: Weights, shape: Shape, folder: Path) -> Fitted:
    """The PEFT adapter in `folder`, laid over `base`, of which nothing is copied.

    Raises RefactError where the folder is gone or holds something else than plain LoRA of this model."""
    config, pairs, whole = _read(folder)
    scale = config["lora_alpha"] / (config["r"] ** 0.5 if config.get("use_rslora") else config["r"])
    parts: list[dict[str, list[Part]]] = [{} for _ in base.layers]
    for (number, module), (a, b) in pairs.items():
        if number not in range(base.first, base.first + len(base.layers)) and number < shape.layers:
            continue  # another process holds that layer
        try:
            layer = base.layers[number - base.first]
            field, start, rows = _place(layer, shape, module)
            if (a.shape[1], b.shape) != (getattr(layer, field).shape[1], (rows, len(a))):
                raise ValueError(module)
        except (KeyError, IndexError, ValueError) as error:
            what = f"{module} of layer {number} does not fit"
            raise RefactError(f"{folder} is no adapter for this model: {what}.", "Pick another checkpoint.") from error
        parts[number - base.first].setdefault(field, []).append(Part(start, a.float(), b.float() * scale))
    layers = [
        LayerChange(**{field: _fused(len(getattr(layer, field)), found, base.kind) for field, found in one.items()})
        for layer, one in zip(base.layers, parts, strict=True)
    ]
    size = sum(change.a.nbytes + change.b.nbytes for layer in layers for _, change in _changes(layer))
    return Fitted(_replaced(base, whole, folder), LowRank(tuple(layers), size, next(NUMBERS)))


def merged(fitted: Fitted) -> Weights:
    """A copy of the weights with the adapter added, W + B·A; it shares what the adapter leaves alone."""
    layers = [
        replace(layer, **{field: laid(getattr(layer, field) + change.b @ change.a) for field, change in _changes(one)})
        for layer, one in zip(fitted.weights.layers, fitted.change.layers, strict=True)
    ]
    return replace(fitted.weights, layers=tuple(layers), number=next(NUMBERS))


def merge(base: Weights, shape: Shape, folder: Path) -> Weights:
    """A copy of `base` with the adapter in `folder` added. Raises what `fit` raises."""
    return merged(fit(base, shape, folder))


class Part(NamedTuple):
    """One module's change within a fused projection, from row `start` on."""

    start: int
    a: Tensor
    b: Tensor


def _fused(rows: int, parts: list[Part], kind: Kind) -> Change:
    """Changes of modules that share a projection as one: they read the same, and each writes at rows of its own."""
    b = torch.zeros(rows, sum(len(part.a) for part in parts))
    rank = 0
    for start, a, own in parts:
        b[start : start + len(own), rank : rank + len(a)] = own
        rank += len(a)
    return Change(torch.cat([part.a for part in parts]).to(*kind), b.to(*kind))


def _changes(layer: LayerChange) -> list[tuple[str, Change]]:
    """What one block changes, by projection."""
    named = ((field.name, getattr(layer, field.name)) for field in fields(layer))
    return [(name, change) for name, change in named if change]


def _replaced(base: Weights, whole: dict[str, Tensor], folder: Path) -> Weights:
    """`base` with trained embeddings; where it had one for both ends, so it has now. Without such the base itself."""
    ends = base.ends
    if not whole or ends is None:
        return base
    for name, weight in whole.items():
        if weight.shape != getattr(ends, name).shape:
            what = f"its {name} does not fit"
            raise RefactError(f"{folder} is no adapter for this model: {what}.", "Pick another checkpoint.")
    fresh = {name: laid(weight.to(*base.kind)) for name, weight in whole.items()}
    if ends.head is ends.embedding and "embedding" in fresh:
        fresh = {"head": fresh["embedding"], **fresh}
    return replace(base, ends=replace(ends, **fresh))


def _read(folder: Path) -> tuple[dict[str, Any], dict[tuple[int, str], tuple[Tensor, Tensor]], dict[str, Tensor]]:
    """The adapter's settings, its (A, B) for each (layer, module), and what was trained whole."""
    try:
        config: dict[str, Any] = json.loads((folder / "adapter_config.json").read_text())
        tensors = load_file(folder / WEIGHTS)
    except (OSError, ValueError) as error:
        raise RefactError(f"The checkpoint in {folder} cannot be read: {error}", "Pick another checkpoint.") from error
    odd = [name for name in ODD if config.get(name)]
    halves: dict[tuple[int, str], dict[str, Tensor]] = {}
    whole: dict[str, Tensor] = {}
    for name, tensor in tensors.items():
        if name in WHOLE:
            whole[WHOLE[name]] = tensor
            continue
        found = LAYER.fullmatch(name)
        if not found:
            odd.append(name)
            continue
        halves.setdefault((int(found[1]), found[2]), {})[found[3]] = tensor
    if odd or any(len(half) != 2 for half in halves.values()):
        what = ", ".join(odd[:3]) or "halves are missing"
        raise RefactError(f"The checkpoint in {folder} is not plain LoRA: {what}.", "Pick another checkpoint.")
    return config, {place: (half["A"], half["B"]) for place, half in halves.items()}, whole


def _place(layer: Layer, shape: Shape, module: str) -> tuple[str, int, int]:
    """The projection that a module is part of, its first row there and how many rows it has."""
    inner = layer.down.shape[1]
    return {
        "q_proj": ("qkv", 0, shape.queries),
        "k_proj": ("qkv", shape.queries, shape.keys),
        "v_proj": ("qkv", shape.queries + shape.keys, shape.keys),
        "o_proj": ("output", 0, shape.hidden),
        "gate_proj": ("gate_up", 0, inner),
        "up_proj": ("gate_up", inner, inner),
        "down_proj": ("down", 0, shape.hidden),
    }[module]
