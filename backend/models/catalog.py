"""What models there are: family, fill-in-the-middle layout and marks, context, threshold and size; torch-free."""

import json
import math
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import msgspec

from backend.context import Context
from backend.errors import BadRequest, NotFound
from backend.models import families
from backend.models.families import FimLayout, OwnModel

STARTER = "starter"
SHORTEST_CONTEXT = 256
"""Tokens; with fewer there is no room for a prompt and its answer."""
LLAMA_LINEAR = ("q_proj", "k_proj", "v_proj", "o_proj", "gate_proj", "up_proj", "down_proj")


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
    bos: str = ""
    """Stands before every text; empty where the model wants nothing there."""
    eos: str = ""
    """Ends a whole file, where that is another token than the one that ends a middle."""
    stops: tuple[str, ...] = ()
    """Further tokens that end an answer."""
    linear: tuple[str, ...] = LLAMA_LINEAR
    """Names of the linear layers that adapters can be put on; the head is not among them."""
    architecture: str = "LlamaForCausalLM"
    dtype: str = "bfloat16"
    """What the weights are stored in."""
    size: int = 0
    """Bytes of the weights on disk."""
    longest: int = 0
    """Tokens that it could read at most; `context` may be set up to this. 0 means `context`."""
    chat: bool = False
    """Whether it brings a chat template."""
    remote_code: bool = False
    """Code of the model's own is run, as its owner has allowed."""
    pickle: bool = False
    """Weights may be read from pickled files, as its owner has allowed."""
    notes: tuple[str, ...] = ()
    """What was found wanting, in sentences."""

    @property
    def fim_marks(self) -> tuple[str, ...]:
        """Spellings of its fill-in-the-middle marks."""
        return tuple(mark for mark in (self.fim_prefix, self.fim_suffix, self.fim_middle) if mark)


def as_json(info: ModelInfo) -> str:
    """A model's description for a process or a database."""
    return msgspec.json.encode(info, enc_hook=str).decode()


def from_json(text: str | bytes) -> ModelInfo:
    """The description again. Raises msgspec.DecodeError for what is none."""
    return msgspec.json.decode(text, type=ModelInfo, dec_hook=lambda kind, value: kind(value))


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
    family = families.shipped()[STARTER]
    parameters = count_parameters(config)
    return ModelInfo(
        name=name,
        path=path,
        family=STARTER,
        fim_layout=facts["fim_layout"],
        fim_prefix=family.prefix,
        fim_suffix=family.suffix,
        fim_middle=family.middle,
        eot=family.eot,
        context=facts["context"],
        languages=tuple(facts["languages"]),
        loss_threshold=facts["loss_threshold"],
        parameters=parameters,
        hidden_size=config["hidden_size"],
        layers=config["num_hidden_layers"],
        intermediate_size=config["intermediate_size"],
        vocab_size=config["vocab_size"],
        learning_rate=facts.get("learning_rate") or lora_learning_rate(parameters),
        licence=family.licence,
    )


def starter_folder() -> Path:
    """Where the starter's weights lie inside the package."""
    return Path(__file__).parent / "starter" / "weights"


def starter() -> ModelInfo:
    """The model that is always there. Raises NotFound where the installation is not whole."""
    return read_folder(STARTER, starter_folder())


def list_models(ctx: Context) -> list[ModelInfo]:
    """Every model that this box can use, the starter first, each as its owner's models.toml wants it.

    A models.toml that cannot be read changes nothing here; the doctor and `models` tell of it."""
    found = [starter(), *ctx.models.values()]
    try:
        own = families.read(ctx.paths.models_toml).models
    except BadRequest:
        return found
    return [_wanted(info, own[info.name]) if info.name in own else info for info in found]


def get(ctx: Context, name: str) -> ModelInfo:
    """The model called `name`. Raises NotFound, naming those that exist."""
    models = list_models(ctx)
    for info in models:
        if info.name == name:
            return info
    known = ", ".join(info.name for info in models)
    raise NotFound(
        f"There is no model called {name!r} here.", f"Known models: {known}. Add one: `refact-tui models add`."
    )


def _wanted(info: ModelInfo, own: OwnModel) -> ModelInfo:
    """The model with what its owner says instead of what was found."""
    names = ("loss_threshold", "learning_rate", "languages", "supports", "licence")
    changes: dict[str, Any] = {name: value for name in names if (value := getattr(own, name)) is not None}
    if own.context is not None:
        changes["context"] = max(min(own.context, info.longest or info.context), SHORTEST_CONTEXT)
    return replace(info, **changes)
