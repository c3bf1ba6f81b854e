"""Serving on a GPU: the same tokens as on the CPU, by heart or not, on one GPU or with layers in two processes."""

import time
from pathlib import Path

import pytest
import torch

from backend.errors import Overloaded
from backend.models.catalog import ModelInfo
from backend.models.tokenizer import TextTokenizer
from backend.serve import caution
from backend.serve.graphs import Graphs
from backend.serve.holding import hold
from backend.serve.placement import Placed
from backend.serve.request import Adapter, CompletionRequest
from tests.serve.bench import Bench, placed, request
from tests.serve.serving_box import write_adapter

PROMPTS = ("def add(a, b):\n    return", "x = 1\n" * 60, "import json\n\n\nclass Engine:\n    def", "for line in")


def on_gpu(info: ModelInfo, dtype: str = "fp32", processes: int = 1, memory: int | None = None, **more: str) -> Placed:
    return Placed(["cuda:0"] * processes, dtype, info.context, memory, 1, more.get("quantisation", "none"))


def adapters_of(info: ModelInfo, folder: Path) -> list[Adapter | None]:
    named = [(f"run:{seed}", write_adapter(folder / str(seed), info, seed)) for seed in (1, 2)]
    return [None, *(Adapter(checkpoint=name, path=str(path)) for name, path in named)]


def asked(number: int) -> CompletionRequest:
    return request(PROMPTS[number % 4] + "y" * number, 24, temperature=0.0 if number % 2 else 0.7, seed=number)


@pytest.mark.parametrize("processes", [1, 2])
def test_the_gpu_answers_as_the_cpu_does(
    tiny: ModelInfo, tokenizer: TextTokenizer, tmp_path: Path, processes: int
) -> None:
    adapters = adapters_of(tiny, tmp_path)
    held = hold(tiny, on_gpu(tiny, processes=processes))
    assert isinstance(held.model, Graphs) == (processes == 1)
    held.warm()
    bench, plain = Bench(tiny, tokenizer, held=held), Bench(tiny, tokenizer)
    for number in range(24):
        bench.add(number, asked(number), adapters[number % 3])
        if number == 12:
            for one in adapters[1:]:
                assert one
                bench.adapters.install(one, bench.adapters.copy(one), bench.batch.names())
    found = bench.drain()
    for number in range(24):
        assert found[number][-1].text == plain.answer(asked(number), adapters[number % 3]).text
    held.model.close()


@pytest.mark.parametrize(("dtype", "quantisation"), [("bf16", "none"), ("fp32", "8bit")])
def test_fewer_bits_answer_with_nearly_the_same_chances(
    tiny: ModelInfo, tokenizer: TextTokenizer, dtype: str, quantisation: str
) -> None:
    held, same = hold(tiny, on_gpu(tiny, dtype, quantisation=quantisation)), hold(tiny, placed(tiny, 1, quantisation))
    ask = request(PROMPTS[2], 1, logprobs=1)
    found, wanted = Bench(tiny, tokenizer, held=held).answer(ask), Bench(tiny, tokenizer, held=same).answer(ask)
    assert found.logprobs[0].logprob == pytest.approx(wanted.logprobs[0].logprob, abs=0.3)


def test_copies_made_aside_do_not_disturb_what_is_recorded(
    tiny: ModelInfo, tokenizer: TextTokenizer, tmp_path: Path
) -> None:
    from concurrent.futures import ThreadPoolExecutor

    adapter = adapters_of(tiny, tmp_path)[1]
    assert adapter
    held = hold(tiny, on_gpu(tiny))
    bench = Bench(tiny, tokenizer, held=held)
    with ThreadPoolExecutor(1) as aside:
        copies = [aside.submit(bench.adapters.copy, adapter) for _ in range(20)]
        for number in range(6):
            bench.add(number, request(PROMPTS[2], 200, temperature=1.0, seed=number))
        bench.drain()
        assert all(copy.result() for copy in copies)


def test_a_budget_is_held_and_what_does_not_fit_is_refused(tiny: ModelInfo, tokenizer: TextTokenizer) -> None:
    try:
        held = hold(tiny, on_gpu(tiny, memory=2 * 10**9))
        assert held.memory_bytes > 0
        with pytest.raises(torch.OutOfMemoryError) as refused:
            torch.empty(3 * 10**9, dtype=torch.uint8, device="cuda:0")
        assert isinstance(caution.in_words(refused.value), Overloaded)
        assert Bench(tiny, tokenizer, held=held).answer(request(PROMPTS[0])).text
    finally:
        torch.cuda.set_per_process_memory_fraction(1.0)


def test_long_answers_are_faster_by_heart(tiny: ModelInfo, tokenizer: TextTokenizer) -> None:
    held = hold(tiny, on_gpu(tiny, "bf16"))
    bench = Bench(tiny, tokenizer, guesses=False, held=held)
    for number in range(3):
        began = time.monotonic()
        bench.answer(request(PROMPTS[2], 300, temperature=1.0, seed=number))
        print(f"turn {number}: {(time.monotonic() - began) * 1000:.0f} ms for at most 300 tokens")
    assert bench.batch.names() == set()
