"""Loads base models; with the starter's own script the only place that knows how."""

import os
from typing import Any

import torch

from backend.errors import RefactError
from backend.models.catalog import ModelInfo


def load_base(
    info: ModelInfo,
    dtype: torch.dtype = torch.float32,
    quantisation: str = "none",
    device: torch.device | None = None,
) -> Any:
    """The base model in evaluation mode: from disk only; safetensors only and no remote code unless that was allowed.

    A quantised one (`8bit` or `4bit`, by bitsandbytes) is put on its device while it is loaded.
    Raises RefactError when the folder cannot be read as a causal language model, or holds only some of its weights."""
    os.environ.setdefault("HF_HUB_OFFLINE", "1")
    from transformers import AutoModelForCausalLM

    smaller = {} if quantisation == "none" else _quantised(quantisation, dtype, device or torch.device("cpu"))
    try:
        model, told = AutoModelForCausalLM.from_pretrained(
            info.path,
            dtype=dtype,
            use_safetensors=not info.pickle,
            trust_remote_code=info.remote_code,
            local_files_only=True,
            output_loading_info=True,
            **smaller,
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
    for module in model.modules():
        if hasattr(module, "support_avx512bf16_for_cpu"):
            # Else the first evaluation packs the weights for a kernel of inference that cannot be trained through.
            module.support_avx512bf16_for_cpu = False
    if head := model.get_output_embeddings():
        head.register_forward_pre_hook(_in_one_piece)
    return model.eval()


def _in_one_piece(_module: Any, inputs: tuple[Any, ...]) -> tuple[Any, ...]:
    """Else torch copies a frozen layer's weights once for each row of which only the last tokens are looked at."""
    return (inputs[0].contiguous(), *inputs[1:])


def _quantised(quantisation: str, dtype: torch.dtype, device: torch.device) -> dict[str, Any]:
    """8-bit weights with rows of outliers kept, or 4-bit normal floats whose scales are quantised too."""
    from transformers import BitsAndBytesConfig

    chosen = (
        BitsAndBytesConfig(load_in_8bit=True)
        if quantisation == "8bit"
        else BitsAndBytesConfig(
            load_in_4bit=True,
            bnb_4bit_quant_type="nf4",
            bnb_4bit_use_double_quant=True,
            bnb_4bit_compute_dtype=dtype,
        )
    )
    return {"quantization_config": chosen, "device_map": {"": device}}


def first_line(error: BaseException) -> str:
    """What a library says, without the pages that follow."""
    lines = [line.strip() for line in str(error).splitlines() if line.strip()]
    text = (lines[0] if lines else type(error).__name__)[:300]
    # The words may be a stranger's: a model's own names and texts come up in them.
    return "".join(letter if letter.isprintable() else "?" for letter in text)
