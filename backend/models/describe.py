"""Describes any folder of a causal language model, or refuses it in words: everything but what only torch can tell."""

import re
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import msgspec

from backend.errors import BadRequest
from backend.models.catalog import SHORTEST_CONTEXT, ModelInfo, lora_learning_rate
from backend.models.derive import Derived, derive
from backend.models.families import Ability, Family, Known
from backend.models.folder import has_chat_template, licence_of, optional_json, read_config, read_json, read_weights

HEADS = re.compile(r"(^|\.)(lm_head|embed_out|output|score)$")
INSTRUCT = re.compile(r"(?i)(^|[-_.])(instruct|chat|it)([-_.]|$)")


class Wanted(msgspec.Struct, frozen=True, kw_only=True):
    """What to look at, and what its owner allows."""

    name: str
    path: str
    origin: str = ""
    """The hub's name of it, or the folder as it was given."""
    family: str | None = None
    allow_pickle: bool = False
    trust_remote_code: bool = False


def describe(wanted: Wanted, known: Known, weights: bool = True) -> ModelInfo:
    """The model in a folder; without `weights` they need not be there yet. Raises BadRequest with why it is no use."""
    folder = Path(wanted.path)
    config = read_config(folder)
    tokenizer_config = optional_json(folder / "tokenizer_config.json")
    _refuse_own_code(config, wanted.trust_remote_code)
    if not (folder / "tokenizer.json").is_file():
        raise BadRequest(
            f"{folder} has no tokenizer.json, only a slow tokenizer.",
            "Make one: transformers.AutoTokenizer.from_pretrained(FOLDER).save_pretrained(FOLDER).",
        )
    names = [wanted.origin.rpartition("/")[2], wanted.name, str(config.get("_name_or_path") or "").rpartition("/")[2]]
    told = {**config, **optional_json(folder / "special_tokens_map.json"), **tokenizer_config}
    told["vocab_size"] = config.get("vocab_size")
    found = derive(known, wanted.family, names, config["model_type"], read_json(folder / "tokenizer.json"), told)
    held = read_weights(folder, wanted.allow_pickle) if weights else None
    longest = _longest(config)
    family, chat = found.family, has_chat_template(folder, tokenizer_config)
    return ModelInfo(
        name=wanted.name,
        path=folder,
        family=found.name,
        fim_layout=family.layout,
        fim_prefix=family.prefix,
        fim_suffix=family.suffix,
        fim_middle=family.middle,
        eot=family.eot,
        bos=found.bos,
        eos=family.eos,
        stops=tuple(dict.fromkeys((*family.stops, *_turn_ends(folder, family, found.bos)))),
        context=min(longest, family.context),
        longest=longest,
        languages=family.languages,
        loss_threshold=family.loss_threshold,
        parameters=held.parameters if held else 0,
        hidden_size=_number(config, "hidden_size", "n_embd", "d_model"),
        layers=_number(config, "num_hidden_layers", "n_layer", "n_layers"),
        intermediate_size=_number(config, "intermediate_size", "n_inner", "ffn_dim", "ffn_hidden_size")
        or 4 * _number(config, "hidden_size", "n_embd", "d_model"),
        vocab_size=_number(config, "vocab_size"),
        learning_rate=lora_learning_rate(held.parameters if held else 0),
        licence=licence_of(folder) or (family.licence if found.named else "") or "unknown",
        supports=_supports(found, chat, names),
        linear=linear_names(held.shapes) if held else (),
        architecture="",
        dtype=held.dtype if held else "",
        size=held.size if held else 0,
        chat=chat,
        remote_code=wanted.trust_remote_code and bool(_own_code(config)),
        pickle=bool(held and held.pickled),
        notes=found.notes,
    )


def _turn_ends(folder: Path, family: Family, bos: str) -> tuple[str, ...]:
    """Special tokens at which the model's own settings stop generating: of one that chats, what ends a turn."""
    told = optional_json(folder / "generation_config.json").get("eos_token_id")
    ids = told if isinstance(told, list) else [told]
    added = {one["id"]: str(one["content"]) for one in read_json(folder / "tokenizer.json").get("added_tokens") or []}
    known = {family.eot, family.eos, family.prefix, family.suffix, family.middle, bos, *family.stops}
    return tuple(mark for id_ in ids if (mark := added.get(id_)) is not None and mark not in known)


def linear_names(shapes: dict[str, tuple[int, ...]]) -> tuple[str, ...]:
    """Last names of the layers whose weight is a matrix, embeddings and head left out, in the order of the files."""
    found: dict[str, None] = {}
    for name, shape in shapes.items():
        layer = name.removesuffix(".weight")
        inner = re.search(r"\.\d+\.", layer)  # what adapters are put on stands inside numbered blocks
        if layer != name and len(shape) == 2 and inner and not HEADS.search(layer):
            found[layer.rpartition(".")[2]] = None
    return tuple(found)


def _own_code(config: dict[str, Any]) -> str:
    """The module of the model's own that makes it a causal language model; empty where transformers knows it."""
    told = config.get("auto_map")
    return str(told.get("AutoModelForCausalLM") or "") if isinstance(told, dict) else ""


def _refuse_own_code(config: dict[str, Any], trusted: bool) -> None:
    # Whether transformers knows the type itself is told by the check that follows; what it knows needs no trust.
    code = _own_code(config)
    if code and not trusted and "--" in code:
        raise BadRequest(
            f"It runs code from another repository ({code!r}).", "Look at that code; agree with --trust-remote-code."
        )


def _longest(config: dict[str, Any]) -> int:
    """Tokens that the model can read. A sliding window is its end: what is packed and cached here does not slide."""
    longest = _number(config, "max_position_embeddings", "n_positions", "n_ctx", "max_seq_len", "seq_length")
    window = config.get("sliding_window") if config.get("use_sliding_window", True) else None
    if isinstance(window, int) and window > 0:
        longest = min(longest or window, window)
    if longest and longest < SHORTEST_CONTEXT:
        raise BadRequest(
            f"It reads {longest} tokens at most; completions need at least {SHORTEST_CONTEXT}.", "Choose another model."
        )
    return longest or 2048


def _number(config: dict[str, Any], *names: str) -> int:
    """The first of these that is a whole number; 0 where none is."""
    return next((value for name in names if isinstance(value := config.get(name), int)), 0)


def _supports(found: Derived, chat: bool, names: Sequence[str]) -> tuple[Ability, ...]:
    """What the family supports; chat where the model brings a template and its name says that it was taught to."""
    abilities = [one for one in found.family.supports if one != "chat" or chat]
    if chat and "chat" not in abilities and any(INSTRUCT.search(name) for name in names):
        abilities.insert(1, "chat")
    return tuple(abilities)
