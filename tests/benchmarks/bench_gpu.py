"""Tokens a second on a GPU, steps by heart and not, beside transformers' generate(): a random model of 1.5 B parameters
in bf16; then how long a first token and a switch of checkpoints take. Skipped where there is no GPU."""

import os
import tempfile
import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

os.environ.setdefault("HF_HUB_OFFLINE", "1")

import torch

from backend.models.catalog import ModelInfo, read_folder
from backend.serve.adapters import Adapters
from backend.serve.decode import Llama, Piece
from backend.serve.holding import Held, hold
from backend.serve.kind import kind_of
from backend.serve.llama import read_shape
from backend.serve.placement import Placed
from backend.serve.request import Adapter
from tests.benchmarks.bench_training import random_model
from tests.serve.serving_box import write_adapter

ROWS, PROMPT, TOKENS = (1, 8, 32), 500, 96


def rate(rows: int, step: Callable[[list[list[int]]], list[list[int]]], ids: torch.Tensor) -> tuple[float, float]:
    """Milliseconds to the first tokens of all, and tokens a second after the first few."""
    began = time.perf_counter()
    newest = step([ids[row].tolist() for row in range(rows)])
    first = time.perf_counter() - began
    for _ in range(8):
        newest = step(newest)
    began = time.perf_counter()
    for _ in range(TOKENS - 9):
        newest = step(newest)
    return first * 1000, rows * (TOKENS - 9) / (time.perf_counter() - began)


def stepped(model: Llama, held: Held, rows: int) -> Callable[[list[list[int]]], list[list[int]]]:
    """Greedy steps of so many requests that each have a cache of their own."""
    caches = [model.cache(PROMPT + TOKENS) for _ in range(rows)]

    def step(given: list[list[int]]) -> list[list[int]]:
        pieces = [Piece(cache, ids) for cache, ids in zip(caches, given, strict=True)]
        return [[int(line)] for line in model.forward(held.base, pieces).argmax(-1)]

    return step


def theirs(peer: Any, ids: torch.Tensor, rows: int) -> float:
    """Tokens a second of transformers' generate()."""
    given = ids[:rows].cuda()
    chosen = {"attention_mask": torch.ones_like(given), "do_sample": False, "pad_token_id": 0}

    def took(tokens: int) -> float:
        began = time.perf_counter()
        peer.generate(given, min_new_tokens=tokens, max_new_tokens=tokens, **chosen)
        torch.cuda.synchronize()
        return time.perf_counter() - began

    took(2)
    return rows * (TOKENS - 1) / (took(TOKENS) - took(1))


def described(folder: Path) -> ModelInfo:
    return replace(read_folder("bench", random_model(folder, 1536, 28, 8960, 12, 2, vocabulary=151_936)), context=2048)


def main() -> None:
    if not torch.cuda.is_available():
        print("skipped: there is no GPU")
        return
    with tempfile.TemporaryDirectory(prefix="bench-gpu-") as name, torch.inference_mode():
        folder = Path(name)
        info = described(folder / "model")
        held = hold(info, Placed(["cuda:0"], "bf16", info.context, None, 4, "none"))
        held.warm()
        eager = Llama(replace(read_shape(info.path), context=info.context), kind_of("cuda:0", "bf16"))
        from transformers import AutoModelForCausalLM

        peer = AutoModelForCausalLM.from_pretrained(info.path, dtype=torch.bfloat16).cuda().eval()
        ids = torch.randint(5, info.vocab_size, (max(ROWS), PROMPT), generator=torch.Generator().manual_seed(1))
        print(
            f"{info.parameters / 1e9:.1f} B parameters, prompts of {PROMPT} tokens, on {torch.cuda.get_device_name()}"
        )
        for rows in ROWS:
            rate(rows, stepped(held.model, held, rows), ids)
            first, own = rate(rows, stepped(held.model, held, rows), ids)
            plain, other = rate(rows, stepped(eager, held, rows), ids)[1], theirs(peer, ids, rows)
            print(
                f"  {rows:2} requests: first tokens {first:5.0f} ms, {own:6,.0f} tok/s; not by heart {plain:6,.0f}; "
                f"generate() {other:6,.0f}: {own / other:.2f} × theirs",
                flush=True,
            )
        report_switch(info, held, folder)


def report_switch(info: ModelInfo, held: Held, folder: Path) -> None:
    """A merged copy, as it is made aside."""
    adapters: Adapters = held.adapters
    took = []
    for seed in range(3):
        adapter = Adapter(checkpoint=f"run:{seed}", path=str(write_adapter(folder / str(seed), info, seed, 0.01)))
        began = time.perf_counter()
        adapters.install(adapter, adapters.copy(adapter), ())
        torch.cuda.synchronize()
        took.append(time.perf_counter() - began)
    print(f"  a merged copy takes {min(took) * 1000:.0f} ms, {torch.cuda.max_memory_allocated() / 1e9:.1f} GB at most")


if __name__ == "__main__":
    main()
