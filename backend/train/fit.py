"""How much memory a run needs at its peak, and what would make one fit that does not; torch-free.

The figures were measured on a CPU: `tests/benchmarks/bench_memory.py` holds them against trainers of every family."""

from collections.abc import Iterator, Mapping
from typing import Any

from backend import devices
from backend.models.catalog import ModelInfo
from backend.train.machine import precision_of

RUNTIME = 610_000_000
"""What python, torch and its libraries take before the first tensor."""
SMALLEST_CONTEXT = 256
WIDTHS = {"8bit": 1.1, "4bit": 0.6}
"""Bytes of a weight of a quantised base, with its scales."""
TRAINED = 16
"""Bytes of a trained weight: itself, its gradient, and two moments of AdamW."""
A_TOKEN = 32_000
"""Bytes that a token takes whatever the number of layers: hidden states, their gradient, its part of the logits."""
COMPARING = ("GPTRefactForCausalLM",)
"""Architectures with attention of their own, which compares every token with every other of its row, in each head."""
COMPARED, COMPARED_NOW, HEAD = 5, 75, 64
"""Bytes that a comparison leaves for the way back in its layer, and that it takes while it is made or undone there; and
how wide a head is taken to be."""
AT_ONCE, LONGEST_PLACE = 25, 512
"""Places completed in one batch, where memory allows; and the tokens that one is taken to have, with its answer."""
ANSWER, LOGIT, LOGITS = 73, 10, 170_000_000
"""Tokens of a place's answer whose logits are looked at, bytes of a logit, and bytes of all at once, at most."""


def memory(info: ModelInfo, chosen: Mapping[str, Any]) -> int:
    """Bytes at the peak of the steps or of the evaluation after them, whichever is higher."""
    gpu = bool(devices.gpus())
    single = precision_of(chosen, gpu) == "fp32"
    width = WIDTHS.get(chosen["quantisation"], 4.0 if single else 2.0)
    # On a CPU the file that the weights came from stays mapped beside them.
    held = info.parameters * (width + (0.0 if gpu else 2.0))
    trained = info.layers * chosen["lora_r"] * (11 * info.hidden_size + 3 * info.intermediate_size)
    if chosen["train_embeddings"]:
        trained += info.vocab_size * info.hidden_size
    wide = 1.8 if single else 1.0
    layer = (21 * info.hidden_size + 8 * info.intermediate_size) * wide
    kept = 2 * info.hidden_size * wide
    layers = layer + info.layers * kept if chosen["low_gpu_memory_mode"] else info.layers * layer
    micro = min(chosen["micro_batch_size"], chosen["batch_size"])
    steps = micro * chosen["context"] * (layers + A_TOKEN + _compared(info, chosen))
    # Rows of held-out text, or places to complete.
    rows, longest = min(micro, 8), min(chosen["context"], LONGEST_PLACE)
    tokens = max(rows * chosen["context"], at_once(rows) * longest)
    passing = (8 * info.hidden_size + 6 * info.intermediate_size) * wide
    logits = min(at_once(rows) * ANSWER * info.vocab_size * LOGIT, LOGITS)
    evaluation = tokens * (passing + info.layers * kept) + logits
    return int(RUNTIME + held + TRAINED * trained + max(steps, evaluation))


def at_once(rows: int) -> int:
    """Places that are completed together where so many rows of training fit.

    Without gradients a place takes a small part of what a row does."""
    return min(1 + 3 * rows, AT_ONCE)


def _compared(info: ModelInfo, chosen: Mapping[str, Any]) -> float:
    """Bytes a token for being compared with its whole row; quick attention takes none."""
    if info.architecture not in COMPARING:
        return 0.0
    layers = 1 if chosen["low_gpu_memory_mode"] else info.layers
    return float(chosen["context"] * (info.hidden_size / HEAD) * (layers * COMPARED + COMPARED_NOW))


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
