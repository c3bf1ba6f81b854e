"""Loads base models; with the starter's own script the only place that knows how."""

import os
from typing import Any

import torch

from backend.errors import RefactError
from backend.models.catalog import ModelInfo


def load_base(info: ModelInfo, dtype: torch.dtype = torch.float32) -> Any:
    """The base model in evaluation mode: safetensors only, from disk only, no remote code.

    Raises RefactError when the folder cannot be read as a causal language model."""
    os.environ.setdefault("HF_HUB_OFFLINE", "1")
    from transformers import AutoModelForCausalLM

    try:
        model = AutoModelForCausalLM.from_pretrained(
            info.path, dtype=dtype, use_safetensors=True, trust_remote_code=False, local_files_only=True
        )
    except (OSError, ValueError, RuntimeError) as error:
        raise RefactError(f"The model {info.name} could not be loaded: {error}", f"Look at {info.path}.") from error
    return model.eval()
