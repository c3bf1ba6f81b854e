"""Loads base models; with the starter's own script the only place that knows how."""

import os
from typing import Any

import torch

from backend.errors import RefactError
from backend.models.catalog import ModelInfo


def load_base(info: ModelInfo, dtype: torch.dtype = torch.float32) -> Any:
    """The base model in evaluation mode: from disk only; safetensors only and no remote code unless that was allowed.

    Raises RefactError when the folder cannot be read as a causal language model, or holds only some of its weights."""
    os.environ.setdefault("HF_HUB_OFFLINE", "1")
    from transformers import AutoModelForCausalLM

    try:
        model, told = AutoModelForCausalLM.from_pretrained(
            info.path,
            dtype=dtype,
            use_safetensors=not info.pickle,
            trust_remote_code=info.remote_code,
            local_files_only=True,
            output_loading_info=True,
        )
    except (OSError, ValueError, RuntimeError, ImportError, AttributeError, KeyError, TypeError) as error:
        raise RefactError(
            f"The model {info.name} could not be loaded: {first_line(error)}", f"Look at {info.path}."
        ) from error
    missing = sorted({*told["missing_keys"], *(key for key, *_ in told.get("mismatched_keys", ()))})
    if missing:
        # transformers would go on with random numbers in their place.
        raise RefactError(
            f"The model {info.name} is not whole: it has no weights for {missing[0]}"
            f"{f' and {len(missing) - 1} more' if len(missing) > 1 else ''}.",
            "Copy or download it again.",
        )
    return model.eval()


def first_line(error: BaseException) -> str:
    """What a library says, without the pages that follow."""
    lines = [line.strip() for line in str(error).splitlines() if line.strip()]
    text = (lines[0] if lines else type(error).__name__)[:300]
    # The words may be a stranger's: a model's own names and texts come up in them.
    return "".join(letter if letter.isprintable() else "?" for letter in text)
