"""Every setting of a run: name, type, default, range and meaning; a bad value is refused in words; torch-free."""

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from backend import wire
from backend.errors import BadRequest


@dataclass(frozen=True)
class Setting:
    """One knob. A default of None is worked out by the plan; a setting with `choices` has no range."""

    name: str
    kind: type
    default: Any
    low: float
    high: float
    meaning: str
    choices: tuple[str, ...] = ()


TARGETS, ALL_LINEAR = "target_modules", "all-linear"
SETTINGS = (
    Setting("lora_r", int, 16, 4, 128, "Rank of the adapters: how much they can learn."),
    Setting("lora_alpha", int, 32, 1, 256, "Strength of the adapters; their output is scaled by lora_alpha / lora_r."),
    Setting("lora_init_scale", float, 1.0, 0.001, 1, "Scale of the adapters' random half at the start."),
    Setting("lora_dropout", float, 0.0, 0, 0.5, "Share of adapter inputs dropped at random while training."),
    Setting("learning_rate", float, None, 1e-6, 2e-2, "Peak learning rate; planned from the model's size."),
    Setting("batch_size", int, None, 1, 1024, "Sequences in one optimizer step; planned from the amount of data."),
    Setting("micro_batch_size", int, 8, 1, 64, "Sequences computed at once; smaller needs less memory."),
    Setting("context", int, None, 128, 8192, "Tokens in one sequence."),
    Setting("train_steps", int, 0, 0, 50000, "Optimizer steps; 0 means planned."),
    Setting("warmup_num_steps", int, None, 0, 1000, "Steps in which the learning rate rises to its peak."),
    Setting("lr_decay_steps", int, 0, 0, 50000, "Steps after which the learning rate is zero; 0 means train_steps."),
    Setting("lr_schedule", str, "linear", 0, 0, "How the learning rate falls.", ("linear", "cosine")),
    Setting("weight_decay", float, 0.1, 0, 1, "Pull of the adapters towards zero."),
    Setting("context_weight", float, 1.0, 0, 1, "Weight of the text around a middle in the loss; a middle has 1."),
    Setting("fim_rate", float, 0.5, 0, 1, "Share of sequences laid out as fill-in-the-middle."),
    Setting("fim_nodes", str, None, 0, 0, "What finds a syntactic node as a middle.", ("tree-sitter", "indentation")),
    Setting("low_gpu_memory_mode", bool, False, 0, 1, "Recompute activations: less memory, about a third slower."),
    Setting("eval_every", int, 0, 0, 50000, "Steps between test losses, each with a checkpoint; 0 means planned."),
    Setting("save_every", int, 0, 0, 50000, "Steps between resumable states; 0 means planned."),
    Setting("eval_places", int, 100, 10, 5000, "Held-out places that base and best checkpoint complete at the end."),
    Setting("early_stop_patience", int, 4, 1, 1000, "Test losses without a new best before training ends."),
    Setting(TARGETS, str, ALL_LINEAR, 0, 0, "Layers that get adapters: all-linear, or names with commas between."),
    Setting("train_embeddings", bool, False, 0, 1, "Train the embeddings whole, beside the adapters."),
    Setting("precision", str, "auto", 0, 0, "Of the base; auto is bf16 where that is fast.", ("auto", "bf16", "fp32")),
    Setting("quantisation", str, "none", 0, 0, "Of the base's weights (bitsandbytes).", ("none", "8bit", "4bit")),
    Setting("optimizer_offload", bool, False, 0, 1, "Keep the optimizer's state in the machine's memory, not a GPU's."),
    Setting("memory_limit_gb", float, 0.0, 0, 10_000, "Most memory of a trainer on a CPU; 0 means what is free."),
    Setting("processes", int, 0, 0, 64, "Trainers side by side; 0 means one a GPU, or one on a CPU."),
    Setting("keep_checkpoints", int, 3, 1, 1000, "Best checkpoints that are kept, beside the newest and pinned ones."),
    Setting("seed", int, 42, 0, 2**31 - 1, "Same seed, same data, same machine: same numbers."),
)
KINDS: dict[type, wire.SettingKind] = {int: "whole", float: "number", bool: "switch", str: "choice"}
BY_NAME = {setting.name: setting for setting in SETTINGS}


def described() -> list[wire.SettingInfo]:
    """Every setting as a form shows it."""
    return [
        wire.SettingInfo(
            name=one.name,
            kind=KINDS[one.kind],
            default=one.default,
            low=None if one.choices or one.kind in (bool, str) else one.low,
            high=None if one.choices or one.kind in (bool, str) else one.high,
            choices=["true", "false"] if one.kind is bool else list(one.choices),
            meaning=one.meaning,
        )
        for one in SETTINGS
    ]


def defaults() -> dict[str, Any]:
    """Every setting by name; None where the plan decides."""
    return {setting.name: setting.default for setting in SETTINGS}


def merged(overrides: Mapping[str, Any]) -> dict[str, Any]:
    """The defaults with checked overrides; an override of None counts as left out. Raises BadRequest with the range."""
    values = defaults()
    for name, value in overrides.items():
        if name not in BY_NAME:
            known = ", ".join(BY_NAME)
            raise BadRequest(f"There is no setting called {name!r}.", f"Known settings: {known}.")
        if value is not None:
            values[name] = checked(BY_NAME[name], value)
    return values


def checked(setting: Setting, value: Any) -> Any:
    """`value` in the setting's type, inside its range. Raises BadRequest that names the range."""
    if setting.choices:
        if value in setting.choices:
            return value
        raise BadRequest(f"{setting.name} is {value!r}; it must be {_either(setting.choices)}.", setting.meaning)
    if setting.kind is bool:
        if isinstance(value, bool):
            return value
        raise BadRequest(f"{setting.name} is {value!r}; it must be true or false.", setting.meaning)
    if setting.kind is str:
        if isinstance(value, str) and value.strip():
            return value.strip()
        raise BadRequest(f"{setting.name} is {value!r}; it must be a text.", setting.meaning)
    numeric = isinstance(value, int | float) and not isinstance(value, bool)
    whole = setting.kind is not int or (numeric and float(value).is_integer())
    if not numeric or not whole or not setting.low <= value <= setting.high:
        what = "a whole number" if setting.kind is int else "a number"
        raise BadRequest(
            f"{setting.name} is {value!r}; it must be {what} from {setting.low:g} to {setting.high:g}.", setting.meaning
        )
    return setting.kind(value)


def targets_of(chosen: Mapping[str, Any]) -> str | list[str]:
    """The layers that get adapters as peft wants them: all-linear, or a list of names."""
    text = str(chosen[TARGETS])
    return text if text == ALL_LINEAR else [name.strip() for name in text.split(",") if name.strip()]


def _either(choices: tuple[str, ...]) -> str:
    """The choices as a person lists them."""
    return " or ".join(filter(None, (", ".join(choices[:-1]), choices[-1])))


def learning_rate_at(step: int, steps: int, settings: Mapping[str, Any]) -> float:
    """The learning rate of optimizer step `step` (from 1): linear warm-up, then decay to zero by line or cosine."""
    peak, warmup = float(settings["learning_rate"]), min(int(settings["warmup_num_steps"]), steps // 2)
    if step <= warmup:
        return peak * step / max(warmup, 1)
    end = max(int(settings["lr_decay_steps"]) or steps, warmup + 1)
    # Counted so that the last step still learns: the rate would reach zero one step after it.
    share = min((step - warmup) / (end + 1 - warmup), 1.0)
    if settings["lr_schedule"] == "cosine":
        return peak * (1 + math.cos(math.pi * share)) / 2
    return peak * (1 - share)
