"""What a Hugging Face folder says of itself, read without torch: config, tokenizer, weights' headers, licence."""

import json
import re
import struct
from collections import Counter
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from backend.errors import BadRequest

HEADER = struct.Struct("<Q")
LONGEST_HEADER = 100_000_000
"""Bytes; the format allows no more."""
INDEX = "model.safetensors.index.json"
PICKLES = ("pytorch_model.bin", "pytorch_model.bin.index.json")
NAMES = {"F32": "float32", "F16": "float16", "BF16": "bfloat16", "F64": "float64"}


@dataclass(frozen=True)
class Weights:
    """Names and shapes of the tensors that the files hold; none are known of pickled ones."""

    shapes: dict[str, tuple[int, ...]]
    dtype: str
    size: int
    """Bytes of the files."""
    pickled: bool = False

    @property
    def parameters(self) -> int:
        """How many numbers its weights are."""
        return sum(_product(shape) for shape in self.shapes.values())


def read_json(path: Path) -> dict[str, Any]:
    """One JSON object. Raises BadRequest in words where it is missing or is none."""
    try:
        found = json.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError as error:
        raise BadRequest(
            f"{path.parent} has no {path.name}.", "A model is a folder with config.json, tokenizer.json and weights."
        ) from error
    except (OSError, ValueError) as error:
        raise BadRequest(f"{path} cannot be read: {error}.", "The file may be only half there.") from error
    if not isinstance(found, dict):
        raise BadRequest(f"{path} is no JSON object.", "The file may be only half there.")
    return found


def optional_json(path: Path) -> dict[str, Any]:
    """The same for a file that need not be there."""
    return read_json(path) if path.is_file() else {}


def read_config(folder: Path) -> dict[str, Any]:
    """config.json; where a model has several parts, that of its language part.

    Raises BadRequest for none at all, and for weights that were quantised before they came here."""
    whole = read_json(folder / "config.json")
    inner = whole.get("text_config")
    config = {**whole, **inner} if isinstance(inner, dict) else whole
    if config.get("quantization_config"):
        raise BadRequest(
            "Its weights are quantised already, and such cannot be fine-tuned here.", "Add the model it was made from."
        )
    if not isinstance(config.get("model_type"), str):
        raise BadRequest(f"{folder / 'config.json'} names no model_type.", "It may be no model of transformers.")
    return config


def read_weights(folder: Path, allow_pickle: bool) -> Weights:
    """What the weights' files hold. Raises BadRequest where some are missing, torn, or pickled without leave."""
    names = _files(folder)
    if names:
        shapes: dict[str, tuple[int, ...]] = {}
        kinds: Counter[str] = Counter()
        for name in names:
            for tensor, (kind, shape) in read_header(folder / name).items():
                shapes[tensor] = shape
                kinds[kind] += _product(shape)
        dtype = kinds.most_common(1)[0][0] if kinds else "F32"
        return Weights(shapes, NAMES.get(dtype, "unknown"), sum((folder / name).stat().st_size for name in names))
    pickled = [path for path in folder.glob("pytorch_model*.bin") if path.is_file()]
    if not pickled:
        raise BadRequest(
            f"{folder} has no weights: no model.safetensors, nor an index of several.", "The copy may be only half."
        )
    if not allow_pickle:
        raise BadRequest(
            "Its weights are pickled files (.bin), and loading such may run a stranger's code.",
            "Look for a .safetensors version, or agree with --allow-pickle.",
        )
    return Weights({}, "", sum(path.stat().st_size for path in pickled), pickled=True)


def weight_files(folder: Path) -> list[Path]:
    """The safetensors files of a model. Raises BadRequest where some or all are missing."""
    if not (names := _files(folder)):
        raise BadRequest(f"{folder} has no safetensors files.", "Copy it here again.")
    return [folder / name for name in names]


def _files(folder: Path) -> list[str]:
    """Names of the safetensors files; an index that names some says which. Raises BadRequest where one is missing."""
    if (folder / INDEX).is_file():
        told = read_json(folder / INDEX).get("weight_map")
        names = sorted(set(told.values())) if isinstance(told, dict) else []
        if not names or not all(isinstance(name, str) and re.fullmatch(r"[\w.-]+", name) for name in names):
            raise BadRequest(f"{folder / INDEX} is no index of weights.", "The file may be only half there.")
    else:
        names = ["model.safetensors"] if (folder / "model.safetensors").is_file() else []
    if missing := [name for name in names if not (folder / name).is_file()]:
        raise BadRequest(
            f"{folder} lacks {len(missing)} of {len(names)} files of weights: {missing[0]}.", "Copy them all."
        )
    return names


def read_header(path: Path) -> dict[str, tuple[str, tuple[int, ...]]]:
    """Kind and shape of every tensor of a safetensors file. Raises BadRequest for a torn or forged one."""
    torn = BadRequest(f"{path} is no whole safetensors file.", "Copy or download it again.")
    with path.open("rb") as file:
        start = file.read(HEADER.size)
        length = HEADER.unpack(start)[0] if len(start) == HEADER.size else LONGEST_HEADER + 1
        if length > LONGEST_HEADER:
            raise torn
        try:
            told = json.loads(file.read(length))
            tensors = {name: one for name, one in told.items() if name != "__metadata__"}
            end = max((int(one["data_offsets"][1]) for one in tensors.values()), default=0)
            found = {name: (str(one["dtype"]), tuple(map(int, one["shape"]))) for name, one in tensors.items()}
        except (ValueError, KeyError, TypeError, AttributeError, IndexError) as error:
            raise torn from error
    if path.stat().st_size < HEADER.size + length + end:
        raise torn
    return found


def licence_of(folder: Path) -> str:
    """What the model card's head says; empty where it says nothing."""
    try:
        text = (folder / "README.md").read_text(encoding="utf-8", errors="replace")[:20_000]
    except OSError:
        return ""
    head = re.match(r"\A\ufeff?---\s*\n(.*?)\n---", text, re.DOTALL)
    if not head:
        return ""
    told = dict(re.findall(r"(?m)^(license|license_name):[ \t]*[\"']?([\w.-]+)", head[1]))
    return str(told.get("license_name") or told.get("license", ""))


def has_chat_template(folder: Path, tokenizer_config: dict[str, Any]) -> bool:
    """Whether the model says how a conversation is laid out."""
    return bool(tokenizer_config.get("chat_template")) or any(
        (folder / name).is_file() for name in ("chat_template.jinja", "chat_template.json")
    )


def spelling(token: Any) -> str:
    """A token as the configuration files write it: a text, or an object around one."""
    if isinstance(token, dict):
        token = token.get("content")
    return token if isinstance(token, str) else ""


def _product(shape: tuple[int, ...]) -> int:
    total = 1
    for one in shape:
        total *= one
    return total
