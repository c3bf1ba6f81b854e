"""Chooses which files of a repository make up a model: those that describe it, then one form of its weights."""

import re

from backend.errors import BadRequest
from backend.models.folder import INDEX, PICKLES
from backend.models.hub import RemoteFile, Repository

SMALL = re.compile(
    r"(config|generation_config|tokenizer|tokenizer_config|special_tokens_map|added_tokens|vocab|chat_template)\.json"
    r"|merges\.txt|chat_template\.jinja|README\.md|(LICEN[SC]E|USE_POLICY|NOTICE)(\.\w+)?"
)
SHARD = re.compile(r"model-\d+-of-\d+\.safetensors")
PICKLED_SHARD = re.compile(r"pytorch_model-\d+-of-\d+\.bin")
LARGEST_SMALL = 200_000_000
"""Bytes; no description is larger."""


def small(repository: Repository, own_code: bool) -> list[RemoteFile]:
    """What describes the model; its own code only where that is trusted."""
    found = [
        file
        for file in repository.files
        if file.size <= LARGEST_SMALL and (SMALL.fullmatch(file.name) or (own_code and file.name.endswith(".py")))
    ]
    names = {file.name for file in found}
    if "config.json" not in names:
        raise BadRequest(
            f"{repository.name} has no config.json: it is no model of transformers.",
            "Other forms (GGUF, a LoRA adapter) are made from one; add that.",
        )
    return found


def weights(repository: Repository, allow_pickle: bool) -> list[RemoteFile]:
    """Its weights: safetensors in one file or several; pickled ones where there are no others and they are allowed.

    Raises BadRequest where it has none that may be read."""
    by_name = {file.name: file for file in repository.files}
    if INDEX in by_name:
        shards = [file for file in repository.files if SHARD.fullmatch(file.name)]
        if shards:
            return [by_name[INDEX], *shards]
    if "model.safetensors" in by_name:
        return [by_name["model.safetensors"]]
    pickled = [file for file in repository.files if file.name in PICKLES or PICKLED_SHARD.fullmatch(file.name)]
    if not pickled:
        raise BadRequest(f"{repository.name} has no weights that could be read.", "Look at its files on the hub.")
    if not allow_pickle:
        raise BadRequest(
            f"{repository.name} has pickled weights only (.bin), and loading such may run a stranger's code.",
            "Look for a .safetensors version, or agree with --allow-pickle.",
        )
    return pickled
