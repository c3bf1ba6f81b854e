"""Which models the fast forward pass computes, told from config.json: Llama, and what differs from it in little.

Torch-free, so that the engine can refuse to host a model before a worker is started."""

import math
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from backend.errors import BadRequest
from backend.models.folder import read_config

TYPES = ("llama", "mistral", "qwen2")
ROPES = ("default", "linear", "llama3")


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
    rope: dict[str, Any]
    """How positions are stretched; empty for plain ones."""

    @property
    def queries(self) -> int:
        """Numbers a token in all queries of a layer."""
        return self.heads * self.head

    @property
    def keys(self) -> int:
        """Numbers a token in all keys of a layer; as many in its values."""
        return self.kv_heads * self.head

    def stretched(self, frequency: float) -> float:
        """Radians a position for one pair of a head's numbers, from what it would be without stretching."""
        match self.rope.get("rope_type"):
            case "linear":
                return frequency / float(self.rope["factor"])
            case "llama3":
                return self._smoothly(frequency)
        return frequency

    def _smoothly(self, frequency: float) -> float:
        """Llama 3.1's: slow ones are slowed down by the factor, fast ones stay, those between change smoothly."""
        factor, before = float(self.rope["factor"]), float(self.rope["original_max_position_embeddings"])
        low, high = float(self.rope["low_freq_factor"]), float(self.rope["high_freq_factor"])
        turns = before * frequency / (2 * math.pi)
        if turns < low:
            return frequency / factor
        if turns > high:
            return frequency
        share = (turns - low) / (high - low)
        return (1 - share) * frequency / factor + share * frequency


def read_shape(folder: Path) -> Shape:
    """Shape of the model in `folder`. Raises BadRequest for what this forward pass does not compute."""
    config = read_config(folder)
    rope = config.get("rope_parameters") or config.get("rope_scaling") or {}
    kind = rope.get("rope_type") or rope.get("type") or "default"
    odd = [f"model_type {config['model_type']}"] if config["model_type"] not in TYPES else []
    odd += [f"positions of the kind {kind}"] if kind not in ROPES else []
    odd += [f"activation {config['hidden_act']}"] if config.get("hidden_act", "silu") != "silu" else []
    if odd:
        raise BadRequest(
            f"The model in {folder} cannot be hosted yet: it is not of the Llama kind ({odd[0]}).",
            "It can be scanned with and fine-tuned; what was tuned can be served by another program.",
            code="not_hostable",
        )
    longest = int(config["max_position_embeddings"])
    return Shape(
        hidden=config["hidden_size"],
        layers=config["num_hidden_layers"],
        heads=config["num_attention_heads"],
        kv_heads=config.get("num_key_value_heads") or config["num_attention_heads"],
        head=config.get("head_dim") or config["hidden_size"] // config["num_attention_heads"],
        epsilon=config["rms_norm_eps"],
        theta=float(rope.get("rope_theta") or config.get("rope_theta") or 10_000.0),
        context=longest,
        rope={} if kind == "default" else {**rope, "rope_type": kind},
    )
