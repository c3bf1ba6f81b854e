"""Checks a model by building it and, where memory allows, running it: its linear layers, whether it can be tuned."""

import os
from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import torch

from backend import devices
from backend.errors import BadRequest, RefactError
from backend.models.catalog import ModelInfo, lora_learning_rate
from backend.models.load import first_line, load_base

SPARE = 1_000_000_000
"""Bytes that loading takes beside the weights."""
FIRST, SECOND = 7, 9
"""Lengths of the two texts that are packed together."""
APART = "It cannot be fine-tuned here: it does not keep texts apart that are packed into one row."


def check(info: ModelInfo) -> ModelInfo:
    """The description with what only the built model tells. Raises BadRequest or RefactError in words for one that
    cannot be built, is not whole, or does not run."""
    own_code = not known(info)
    info = replace(info, remote_code=own_code)
    bare = build(info)
    parameters = sum(weight.numel() for weight in bare.parameters())
    info = replace(
        info,
        architecture=type(bare).__name__,
        dtype=info.dtype or str(getattr(bare.config, "dtype", None) or "unknown").removeprefix("torch."),
        parameters=parameters,
        learning_rate=lora_learning_rate(parameters),
        linear=linear_layers(bare),
    )
    if not info.linear:
        return without_tuning(info, "It cannot be fine-tuned here: it has no linear layers to put adapters on.")
    needed, free = 4 * parameters + SPARE, devices.memory_available()
    if needed > free:
        return replace(
            info, notes=(*info.notes, f"It was not run: that takes {needed / 1e9:.0f} GB, {free / 1e9:.0f} are free.")
        )
    return run(info)


def known(info: ModelInfo) -> bool:
    """Whether transformers itself knows the architecture. Raises BadRequest for no causal language model."""
    os.environ.setdefault("HF_HUB_OFFLINE", "1")
    from transformers.models.auto.modeling_auto import MODEL_FOR_CAUSAL_LM_MAPPING_NAMES

    from backend.models.folder import read_config

    config = read_config(info.path)
    if config["model_type"] in MODEL_FOR_CAUSAL_LM_MAPPING_NAMES:
        return True
    if not (isinstance(config.get("auto_map"), dict) and config["auto_map"].get("AutoModelForCausalLM")):
        import transformers

        raise BadRequest(
            f"The installed transformers ({transformers.__version__}) knows no causal language model of the type "
            f"{config['model_type']!r}.",
            "A newer version may; encoders and translation models never.",
        )
    if not info.remote_code:
        raise BadRequest(
            f"It brings code of its own ({config['auto_map']['AutoModelForCausalLM']!r}), which is not run unasked.",
            "Read that code; if you trust it, agree with --trust-remote-code.",
        )
    return False


def build(info: ModelInfo) -> Any:
    """The model without weights, which takes no memory. Raises BadRequest where it cannot be built."""
    from transformers import AutoConfig, AutoModelForCausalLM

    try:
        config = AutoConfig.from_pretrained(info.path, trust_remote_code=info.remote_code, local_files_only=True)
        with torch.device("meta"):
            return AutoModelForCausalLM.from_config(config, trust_remote_code=info.remote_code)
    except Exception as error:  # its config, or its own code, may fail in any way
        what = "Its own code does not run with the installed transformers" if info.remote_code else "It cannot be built"
        raise BadRequest(f"{what}: {first_line(error)}.", f"Look at {info.path / 'config.json'}.") from error


def linear_layers(model: Any) -> tuple[str, ...]:
    """Last names of all linear layers but the head, as peft's `all-linear` takes them."""
    from transformers.pytorch_utils import Conv1D

    head = model.get_output_embeddings()
    return tuple(
        dict.fromkeys(
            name.rpartition(".")[2]
            for name, module in model.named_modules()
            if isinstance(module, torch.nn.Linear | Conv1D) and module is not head
        )
    )


def run(info: ModelInfo) -> ModelInfo:
    """Load it and let it read a little. Raises RefactError where that fails or gives no numbers."""
    dtype = torch.bfloat16 if torch.cuda.is_available() else torch.float32
    model = load_base(info, dtype)
    if torch.cuda.is_available():
        model = model.cuda()
    step = max(info.vocab_size // (FIRST + SECOND + 1), 1)
    ids = [step * (place + 1) % info.vocab_size for place in range(FIRST + SECOND)]
    with torch.inference_mode():
        try:
            alone = torch.cat([_logits(model, ids[:FIRST]), _logits(model, ids[FIRST:])])
        except Exception as error:
            raise RefactError(f"It does not run: {first_line(error)}.", f"Look at {info.path}.") from error
        if not bool(alone.isfinite().all()):
            raise RefactError("What it answers are no numbers: its weights are damaged.", "Copy or download it again.")
        close = 0.05 if dtype == torch.bfloat16 else 1e-3
        for attempt in (_packed, _step_by_step):
            try:
                other = attempt(model, ids)
            except Exception as error:
                return without_tuning(info, f"It cannot be fine-tuned here: {first_line(error)}.")
            if float((other - alone[-len(other) :]).abs().max()) > close * max(float(alone.abs().max()), 1.0):
                return without_tuning(info, APART)
    return info


def without_tuning(info: ModelInfo, note: str) -> ModelInfo:
    """The model as one that only completes."""
    return replace(info, supports=tuple(one for one in info.supports if one != "finetune"), notes=(*info.notes, note))


def _logits(model: Any, ids: Sequence[int]) -> torch.Tensor:
    rows = torch.tensor([list(ids)], device=model.device)
    found: torch.Tensor = model(input_ids=rows, use_cache=False).logits[0].float()
    return found


def _packed(model: Any, ids: Sequence[int]) -> torch.Tensor:
    """Both texts in one row, as training packs them: neither may see the other."""
    owners = torch.tensor([0] * FIRST + [1] * SECOND)
    mask = (owners[:, None] == owners[None, :]) & torch.ones(len(ids), len(ids), dtype=torch.bool).tril()
    positions = torch.tensor([[*range(FIRST), *range(SECOND)]])
    out = model(
        input_ids=torch.tensor([list(ids)], device=model.device),
        attention_mask=mask[None, None].to(model.device),
        position_ids=positions.to(model.device),
        use_cache=False,
    )
    found: torch.Tensor = out.logits[0].float()
    return found


def _step_by_step(model: Any, ids: Sequence[int]) -> torch.Tensor:
    """The last text with padding before it and its last token by itself, as held-out places are completed."""
    text, device = list(ids[FIRST:]), model.device
    rows = torch.tensor([[0, 0, *text]], device=device)
    mask = torch.tensor([[0, 0, *([1] * SECOND)]], device=device)
    positions = (mask.cumsum(1) - 1).clamp(min=0)
    out = model(
        input_ids=rows[:, :-1],
        attention_mask=mask[:, :-1],
        position_ids=positions[:, :-1],
        use_cache=True,
        logits_to_keep=1,
    )
    out = model(
        input_ids=rows[:, -1:],
        attention_mask=mask,
        position_ids=positions[:, -1:],
        past_key_values=out.past_key_values,
        use_cache=True,
        logits_to_keep=1,
    )
    found: torch.Tensor = out.logits[0, -1:].float()
    return found
