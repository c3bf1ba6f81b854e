"""First token and tokens a second of the worker's decoder against transformers' generate(): one thread, greedy."""

import os
import time
from collections.abc import Callable

os.environ.setdefault("HF_HUB_OFFLINE", "1")

import torch

from backend.models.catalog import starter
from backend.models.load import load_base
from backend.serve.decode import Cache, Llama, read_weights
from backend.serve.llama import read_shape

TOKENS, TURNS = 64, 3
PROMPTS = (128, 1000)


def timed(prompt: int, generate: Callable[[int, int], object]) -> tuple[float, float]:
    """Milliseconds to the first token, and tokens a second after it; the best of a few turns."""
    first, rest = [], []
    for _ in range(TURNS):
        began = time.perf_counter()
        generate(prompt, 1)
        first.append(time.perf_counter() - began)
        began = time.perf_counter()
        generate(prompt, TOKENS + 1)
        rest.append(TOKENS / max(time.perf_counter() - began - min(first), 1e-6))
    return min(first) * 1000, max(rest)


def main() -> None:
    torch.set_num_threads(1)
    info = starter()
    ids = torch.randint(5, info.vocab_size, (max(PROMPTS),), generator=torch.Generator().manual_seed(1))
    shape = read_shape(info.path)
    weights, model = read_weights(info.path, shape), Llama(shape)
    peer = load_base(info)

    def ours(prompt: int, tokens: int) -> None:
        cache = Cache(shape, prompt + tokens)
        newest = ids[:prompt].tolist()
        for _ in range(tokens):
            newest = [int(model.forward(weights, [(cache, newest)])[0].argmax())]

    def theirs(prompt: int, tokens: int) -> None:
        row = ids[None, :prompt]
        peer.generate(
            row, attention_mask=torch.ones_like(row), min_new_tokens=tokens, max_new_tokens=tokens, do_sample=False
        )

    with torch.inference_mode():
        for prompt in PROMPTS:
            (own_first, own_rate), (peer_first, peer_rate) = timed(prompt, ours), timed(prompt, theirs)
            print(
                f"prompt {prompt:5}: first token {own_first:6.1f} ms, {own_rate:5.0f} tok/s; generate() "
                f"{peer_first:6.1f} ms, {peer_rate:5.0f} tok/s; "
                f"{peer_first / own_first:4.2f} × sooner, {own_rate / peer_rate:4.2f} × faster"
            )


if __name__ == "__main__":
    main()
