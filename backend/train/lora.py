"""Puts LoRA adapters on the layers of a base model, and takes what is trained out and in."""

from typing import Any

import torch
from peft import LoraConfig, get_peft_model
from torch import Tensor, nn

from backend.train.room import checkpoint_activations
from backend.train.settings import targets_of


def adapted(model: Any, settings: dict[str, Any]) -> Any:
    """`model` with fresh adapters drawn from the run's seed; only they, and embeddings where wanted, train, in fp32."""
    torch.manual_seed(int(settings["seed"]))
    whole = _embeddings(model) if settings["train_embeddings"] else None
    config = LoraConfig(
        r=settings["lora_r"],
        lora_alpha=settings["lora_alpha"],
        lora_dropout=settings["lora_dropout"],
        target_modules=targets_of(settings),
        modules_to_save=whole,
        ensure_weight_tying=bool(whole) and len(whole or ()) == 1,
        task_type="CAUSAL_LM",
    )
    tuned = get_peft_model(model, config, autocast_adapter_dtype=True)
    if whole:
        _widen(tuned, model.dtype)
    scale = float(settings["lora_init_scale"])
    if scale != 1.0:
        with torch.no_grad():
            for name, weight in tuned.named_parameters():
                if "lora_A" in name:
                    weight.mul_(scale)
    if settings["low_gpu_memory_mode"]:
        checkpoint_activations(tuned)
    return tuned


def trainable(model: Any) -> dict[str, nn.Parameter]:
    """The trained weights by name, in a fixed order."""
    return {name: weight for name, weight in model.named_parameters() if weight.requires_grad}


def snapshot(model: Any) -> dict[str, Tensor]:
    """A copy of the trained weights."""
    return {name: weight.detach().cpu().clone() for name, weight in trainable(model).items()}


def restore(model: Any, weights: dict[str, Tensor]) -> None:
    """Put a snapshot back. Raises KeyError where it is one of other adapters."""
    with torch.no_grad():
        for name, weight in trainable(model).items():
            weight.copy_(weights[name])


def in_use(module: Any) -> Any:
    """The layer that computes: of one that is trained whole its copy, or with the adapters off the base's own."""
    if not hasattr(module, "modules_to_save"):
        return module
    return module.original_module if module.disable_adapters else module.modules_to_save[module.active_adapters[0]]


def _embeddings(model: Any) -> list[str]:
    """Names of the modules that turn ids into vectors and hidden states into logits; one where they are the same."""
    inner, outer = model.get_input_embeddings(), model.get_output_embeddings()
    if outer.weight is inner.weight:
        outer = inner
    names = [name for name, module in model.named_modules() if module is inner or module is outer]
    return [name.rpartition(".")[2] for name in names]


def _widen(tuned: Any, dtype: torch.dtype) -> None:
    """Train whole embeddings in float32 like the adapters, and hand on what they give in the base's precision."""
    base = tuned.get_base_model()
    for weight in trainable(tuned).values():
        weight.data = weight.data.float()
    base.get_input_embeddings().register_forward_hook(lambda _module, _inputs, out: out.to(dtype))
    # In use is the trained layer, or with the adapters off the base's own, which is as narrow as ever.
    base.get_output_embeddings().register_forward_pre_hook(
        lambda module, inputs: (inputs[0].to(in_use(module).weight.dtype), *inputs[1:])
    )
