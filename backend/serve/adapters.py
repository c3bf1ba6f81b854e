"""Checkpoints as merged copies of the base weights, a few of them kept; the base itself is never changed."""

import json
import re
from collections import OrderedDict
from dataclasses import replace
from pathlib import Path
from typing import Any

from safetensors.torch import load_file
from torch import Tensor

from backend.errors import RefactError
from backend.serve.decode import Layer, Weights
from backend.serve.llama import Shape
from backend.serve.request import Adapter

KEEP = 4
"""Merged copies kept; requests hold on to the one that they began with."""
LAYER = re.compile(r"base_model\.model\.model\.layers\.(\d+)\.\w+\.(\w+)\.lora_([AB])\.weight")
WHOLE = {
    "base_model.model.model.embed_tokens.weight": "embedding",
    "base_model.model.lm_head.weight": "head",
}
"""Weights that a run may have trained as they are."""
ODD = ("use_dora", "rank_pattern", "alpha_pattern", "layer_replication", "use_qalora", "lora_bias")


class Adapters:
    """The newest few checkpoints, ready to decode with."""

    def __init__(self, base: Weights, shape: Shape) -> None:
        self._base, self._shape = base, shape
        self._copies: OrderedDict[str, Weights] = OrderedDict()

    def get(self, adapter: Adapter | None) -> Weights:
        """Weights for a checkpoint, merged now unless they are kept; None means the base.

        Raises RefactError where the folder is gone or holds something else than plain LoRA of this model."""
        if adapter is None:
            return self._base
        if adapter.path not in self._copies:
            self._copies[adapter.path] = merge(self._base, self._shape, Path(adapter.path))
            if len(self._copies) > KEEP:
                self._copies.popitem(last=False)
        self._copies.move_to_end(adapter.path)
        return self._copies[adapter.path]


def merge(base: Weights, shape: Shape, folder: Path) -> Weights:
    """A copy of `base` with the PEFT adapter in `folder` added: W + B·A·scale, in float32; embeddings replaced."""
    config, pairs, whole = _read(folder)
    base = _replaced(base, whole, folder)
    scale = config["lora_alpha"] / (config["r"] ** 0.5 if config.get("use_rslora") else config["r"])
    layers = list(base.layers)
    for (number, module), (a, b) in pairs.items():
        try:
            layers[number] = _add(layers[number], base.layers[number], shape, module, b.float() @ a.float() * scale)
        except (KeyError, IndexError, RuntimeError) as error:
            what = f"{module} of layer {number} does not fit"
            raise RefactError(f"{folder} is no adapter for this model: {what}.", "Pick another checkpoint.") from error
    return replace(base, layers=tuple(layers))


def _replaced(base: Weights, whole: dict[str, Tensor], folder: Path) -> Weights:
    """`base` with trained embeddings; where it had one for both ends, so it has now."""
    for name, weight in whole.items():
        if weight.shape != getattr(base, name).shape:
            what = f"its {name} does not fit"
            raise RefactError(f"{folder} is no adapter for this model: {what}.", "Pick another checkpoint.")
    if base.head is base.embedding and "embedding" in whole:
        whole = {"head": whole["embedding"], **whole}
    return replace(base, **{name: weight.float() for name, weight in whole.items()})


def _read(folder: Path) -> tuple[dict[str, Any], dict[tuple[int, str], tuple[Tensor, Tensor]], dict[str, Tensor]]:
    """The adapter's settings, its (A, B) for each (layer, module), and what was trained whole."""
    try:
        config: dict[str, Any] = json.loads((folder / "adapter_config.json").read_text())
        tensors = load_file(folder / "adapter_model.safetensors")
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


def _add(layer: Layer, pristine: Layer, shape: Shape, module: str, change: Tensor) -> Layer:
    """`layer` with `change` added to one of its projections, fused ones at their rows."""
    inner = pristine.down.shape[1]
    field, start, rows = {
        "q_proj": ("qkv", 0, shape.queries),
        "k_proj": ("qkv", shape.queries, shape.keys),
        "v_proj": ("qkv", shape.queries + shape.keys, shape.keys),
        "o_proj": ("output", 0, shape.hidden),
        "gate_proj": ("gate_up", 0, inner),
        "up_proj": ("gate_up", inner, inner),
        "down_proj": ("down", 0, shape.hidden),
    }[module]
    weight: Tensor = getattr(layer, field)
    if weight is getattr(pristine, field):
        weight = weight.clone()
    weight[start : start + rows] += change
    return replace(layer, **{field: weight})
