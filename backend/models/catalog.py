"""What models there are: family, fill-in-the-middle layout and marks, context, threshold and size; torch-free."""

import json
import math
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

from backend.errors import NotFound

STARTER = "starter"
FimLayout = Literal["psm", "spm", "spm_contiguous"]


@dataclass(frozen=True)
class ModelInfo:
    """One base model on this box."""

    name: str
    path: Path
    """A plain Hugging Face folder: config.json, model.safetensors, tokenizer.json."""
    family: str
    fim_layout: FimLayout
    fim_prefix: str
    fim_suffix: str
    fim_middle: str
    eot: str
    context: int
    """Tokens."""
    languages: tuple[str, ...] | None
    """Languages it knows, by their Linguist names; None means all."""
    loss_threshold: float
    """Default of the scan: mean nats per token above which a file is no training data."""
    parameters: int
    hidden_size: int
    layers: int
    intermediate_size: int
    vocab_size: int
    learning_rate: float
    """LoRA's default peak learning rate for a model of this size."""
    licence: str
    supports: tuple[str, ...] = ("completion", "finetune")


def lora_learning_rate(parameters: int) -> float:
    """4e-3 up to 10 M parameters, 3e-4 from 1 B on, in between by the logarithm: small models want large rates."""
    low, high = math.log(1e7), math.log(1e9)
    share = min(max((math.log(max(parameters, 1)) - low) / (high - low), 0.0), 1.0)
    return float(f"{math.exp(math.log(4e-3) * (1 - share) + math.log(3e-4) * share):.2g}")


def count_parameters(config: dict[str, Any]) -> int:
    """Parameters of a Llama-architecture model, from its config.json."""
    hidden, inner, layers = config["hidden_size"], config["intermediate_size"], config["num_hidden_layers"]
    head = config.get("head_dim") or hidden // config["num_attention_heads"]
    attention = hidden * head * (2 * config["num_attention_heads"] + 2 * config["num_key_value_heads"])
    embeddings = config["vocab_size"] * hidden * (1 if config.get("tie_word_embeddings") else 2)
    return int(embeddings + layers * (attention + 3 * hidden * inner + 2 * hidden) + hidden)


def read_folder(name: str, path: Path) -> ModelInfo:
    """Describe a folder that carries `starter.json` beside its config. Raises NotFound where one of them is missing."""
    try:
        config = json.loads((path / "config.json").read_text())
        facts = json.loads((path / "starter.json").read_text())
    except FileNotFoundError as error:
        raise NotFound(
            f"The model {name} is not complete: {error.filename} is missing.", "Reinstall refact-tui."
        ) from error
    parameters = count_parameters(config)
    return ModelInfo(
        name=name,
        path=path,
        family="starter",
        fim_layout=facts["fim_layout"],
        fim_prefix="<fim_prefix>",
        fim_suffix="<fim_suffix>",
        fim_middle="<fim_middle>",
        eot="<|endoftext|>",
        context=facts["context"],
        languages=tuple(facts["languages"]),
        loss_threshold=facts["loss_threshold"],
        parameters=parameters,
        hidden_size=config["hidden_size"],
        layers=config["num_hidden_layers"],
        intermediate_size=config["intermediate_size"],
        vocab_size=config["vocab_size"],
        learning_rate=lora_learning_rate(parameters),
        licence="BSD-3-Clause",
    )


def starter_folder() -> Path:
    """Where the starter's weights lie inside the package."""
    return Path(__file__).parent / "starter" / "weights"


def list_models() -> list[ModelInfo]:
    """Every model that this box can host, the starter first."""
    return [read_folder(STARTER, starter_folder())]


def get(name: str) -> ModelInfo:
    """The model called `name`. Raises NotFound, naming those that exist."""
    for info in list_models():
        if info.name == name:
            return info
    known = ", ".join(info.name for info in list_models())
    raise NotFound(f"There is no model called {name!r} here.", f"Known models: {known}.")
