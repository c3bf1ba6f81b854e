"""How much memory a run needs at its peak, and what would make one fit that does not; torch-free, pure."""

from collections.abc import Iterator, Mapping
from typing import Any

from backend.models.catalog import ModelInfo

RUNTIME = 900_000_000
"""What python, torch and its libraries take before the first tensor."""
SMALLEST_CONTEXT = 256


def memory(info: ModelInfo, chosen: Mapping[str, Any]) -> int:
    """Bytes at the peak: runtime, weights, adapters with their optimizer, and activations of a micro-batch."""
    tokens = min(chosen["micro_batch_size"], chosen["batch_size"]) * chosen["context"]
    kept = 2 if chosen["low_gpu_memory_mode"] else 40 * info.layers
    inner = 0 if chosen["low_gpu_memory_mode"] else 14 * info.layers
    activations = tokens * (info.hidden_size * kept + info.intermediate_size * inner)
    logits = tokens * info.vocab_size * 16
    adapters = info.layers * chosen["lora_r"] * (11 * info.hidden_size + 3 * info.intermediate_size) * 16
    return int(RUNTIME + 4 * info.parameters + adapters + activations + logits)


def what_fits(info: ModelInfo, chosen: Mapping[str, Any], available: int) -> dict[str, Any] | None:
    """The least change of settings with which the run fits into `available` bytes; None where nothing helps.

    First a smaller micro-batch (the same numbers, a little slower), then recomputed activations (a third slower),
    then both, then shorter sequences."""
    for change in _changes(chosen):
        if memory(info, {**chosen, **change}) <= available:
            return change
    return None


def _changes(chosen: Mapping[str, Any]) -> Iterator[dict[str, Any]]:
    context = int(chosen["context"])
    first = min(int(chosen["micro_batch_size"]), int(chosen["batch_size"]))
    halves = [size for size in (first >> shift for shift in range(1, 7)) if size >= 1]
    while True:
        shorter = {"context": context} if context != chosen["context"] else {}
        if shorter:
            yield shorter
        yield from ({**shorter, "micro_batch_size": size} for size in halves)
        if not chosen["low_gpu_memory_mode"]:
            yield {**shorter, "low_gpu_memory_mode": True}
            yield from ({**shorter, "low_gpu_memory_mode": True, "micro_batch_size": size} for size in halves)
        if context // 2 < SMALLEST_CONTEXT:
            return
        context //= 2
