"""Puts LoRA adapters on every linear layer of a base model, and takes their weights out and in."""

from typing import Any

import torch
from peft import LoraConfig, get_peft_model

from backend.train.settings import targets_of


def adapted(model: Any, settings: dict[str, Any]) -> Any:
    """`model` with fresh adapters drawn from the run's seed; only they can be trained, in fp32."""
    torch.manual_seed(int(settings["seed"]))
    config = LoraConfig(
        r=settings["lora_r"],
        lora_alpha=settings["lora_alpha"],
        lora_dropout=settings["lora_dropout"],
        target_modules=targets_of(settings),
        task_type="CAUSAL_LM",
    )
    tuned = get_peft_model(model, config, autocast_adapter_dtype=True)
    scale = float(settings["lora_init_scale"])
    if scale != 1.0:
        with torch.no_grad():
            for name, weight in tuned.named_parameters():
                if "lora_A" in name:
                    weight.mul_(scale)
    if settings["low_gpu_memory_mode"]:
        tuned.enable_input_require_grads()
        tuned.gradient_checkpointing_enable(gradient_checkpointing_kwargs={"use_reentrant": False})
    return tuned


def trainable(model: Any) -> dict[str, torch.nn.Parameter]:
    """The adapters' weights by name, in a fixed order."""
    return {name: weight for name, weight in model.named_parameters() if weight.requires_grad}


def snapshot(model: Any) -> dict[str, torch.Tensor]:
    """A copy of the adapters' weights."""
    return {name: weight.detach().cpu().clone() for name, weight in trainable(model).items()}


def restore(model: Any, weights: dict[str, torch.Tensor]) -> None:
    """Put a snapshot back. Raises KeyError where it is one of other adapters."""
    with torch.no_grad():
        for name, weight in trainable(model).items():
            weight.copy_(weights[name])
