"""First token and tokens a second of the worker's decoder against transformers' generate(): one thread, greedy.

And what a step takes for several requests, and their attention alone: one after the other or in one padded call; and
how long steps are while long prompts are read beside answers: who hangs up has left when the step ends."""

import os
import time
from collections.abc import Callable

os.environ.setdefault("HF_HUB_OFFLINE", "1")

import torch
import torch.nn.functional as F

from backend.models.catalog import starter
from backend.models.load import load_base
from backend.models.tokenizer import load_tokenizer
from backend.serve.caches import Cache
from backend.serve.decode import Llama, Piece
from backend.serve.llama import read_shape
from backend.serve.weights import Weights, read_weights
from tests.serve.bench import Bench, request

TOKENS, TURNS = 64, 3
PROMPTS = (128, 1000)
ROWS, BEFORE = (1, 4, 8, 32), 500


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
            newest = [int(model.forward(weights, [Piece(cache, newest)])[0].argmax())]

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
        for rows in ROWS:
            report_rows(model, weights, rows)
        report_steps(Bench(info, load_tokenizer(info)))


def report_steps(bench: Bench) -> None:
    """Seven answers, and one long prompt after the other."""
    code = "".join(f"value_{number} = {number} * count\n" for number in range(160))
    for number in range(7):
        bench.add(number, request(f"# {number}\n{code[:600]}", 400, temperature=1.0, seed=number))
    took = []
    for number in range(7, 15):
        bench.add(number, request(f"# {number}\n{code}", 1))
        while bench.rows[number].reading:
            began = time.perf_counter()
            list(bench.batch.step())
            took.append((time.perf_counter() - began) * 1000)
    took.sort()
    print(
        f"steps that read a long prompt beside seven answers: median {took[len(took) // 2]:.1f} ms, "
        f"95 % within {took[int(len(took) * 0.95)]:.1f} ms (aim: 20)"
    )


def report_rows(model: Llama, weights: Weights, rows: int) -> None:
    """One step of several requests that have read BEFORE tokens each."""
    shape = model.shape
    caches = [Cache(shape, BEFORE + 8) for _ in range(rows)]
    seen = torch.randint(5, 5000, (BEFORE,), generator=torch.Generator().manual_seed(2)).tolist()
    for cache in caches:
        model.forward(weights, [Piece(cache, seen)])

    def step() -> None:
        for cache in caches:
            cache.used = BEFORE
        model.forward(weights, [Piece(cache, [7]) for cache in caches])

    together = torch.zeros(shape.layers, 2, rows, shape.kv_heads, BEFORE, shape.head)
    asked = torch.randn(rows, shape.kv_heads, shape.heads // shape.kv_heads, shape.head)
    mask = torch.ones(rows, 1, 1, BEFORE, dtype=torch.bool)

    def one_by_one() -> None:
        for keys, values in together:
            torch.cat(
                [
                    F.scaled_dot_product_attention(asked[row : row + 1], keys[row : row + 1], values[row : row + 1])
                    for row in range(rows)
                ]
            )

    def padded() -> None:
        for keys, values in together:
            F.scaled_dot_product_attention(asked, keys, values, attn_mask=mask)

    took = [best(what) for what in (step, one_by_one, padded)]
    print(
        f"{rows:2} requests: a step {took[0]:5.1f} ms ({rows / took[0] * 1000:5.0f} tok/s), attention alone one by one "
        f"{took[1]:4.1f} ms, padded {took[2]:4.1f} ms"
    )


def best(what: Callable[[], object]) -> float:
    """Milliseconds of the fastest of twenty."""
    took = []
    for _ in range(20):
        began = time.perf_counter()
        what()
        took.append(time.perf_counter() - began)
    return min(took) * 1000


if __name__ == "__main__":
    main()
