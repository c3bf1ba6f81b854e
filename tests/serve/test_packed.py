"""Weights in a few bits: near the whole ones, and answers that depend on nobody else in the batch."""

from pathlib import Path

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from backend.models.catalog import ModelInfo
from backend.models.tokenizer import load_tokenizer
from backend.serve.holding import hold
from backend.serve.packed import PACKINGS, Packed8
from backend.serve.placement import weights_bytes
from backend.serve.request import Adapter
from tests.serve.bench import Bench, placed, request
from tests.serve.serving_box import write_adapter

PACKED = sorted(PACKINGS)
TEXTS = ["import os\n\n\ndef main(", "class Tree:\n    def __init__(self", "x = 1\n" * 50, "for line in file"]
pytestmark = pytest.mark.filterwarnings("ignore::FutureWarning")


@settings(max_examples=30, deadline=None)
@given(rows=st.integers(1, 80), columns=st.integers(1, 6), lines=st.integers(1, 40), seed=st.integers(0, 99))
@pytest.mark.parametrize("packing", PACKED)
def test_near_the_whole_ones_and_line_by_line(packing: str, rows: int, columns: int, lines: int, seed: int) -> None:
    torch.manual_seed(seed)
    weight, x, bias = torch.randn(rows, 64 * columns), torch.randn(lines, 64 * columns), torch.randn(rows)
    packed = PACKINGS[packing](weight)
    assert len(packed) == rows and packed.shape == weight.shape
    found, whole = packed.apply(x, bias), x @ weight.T + bias
    share = {"8bit": 0.02, "4bit": 0.25}[packing]
    assert bool(((found - whole).abs() <= share * (x.abs() @ weight.abs().T + bias.abs())).all())
    if packing == "8bit":
        for line in range(0, lines, 7):
            assert torch.equal(packed.apply(x[line : line + 1], bias), found[line : line + 1])


def test_a_row_of_nothing_stays_nothing() -> None:
    assert not Packed8(torch.zeros(3, 64)).apply(torch.ones(2, 64), None).any()


@pytest.mark.parametrize("packing", PACKED)
def test_a_packed_model_answers_alike_in_company_in_processes_and_with_adapters(
    starter: ModelInfo, tmp_path: Path, packing: str
) -> None:
    tokenizer = load_tokenizer(starter)
    adapters = [None] + [
        Adapter(checkpoint=f"s:{seed}", path=str(write_adapter(tmp_path / str(seed), starter, seed))) for seed in (1, 2)
    ]
    one, two = hold(starter, placed(starter, 1, packing)), hold(starter, placed(starter, 2, packing))
    try:
        alone = {}
        for number, text in enumerate(TEXTS * 3):
            bench = Bench(starter, tokenizer, kept_bytes=0, held=one)
            alone[number] = bench.answer(request(text, 12), adapters[number % 3]).text
        together = Bench(starter, tokenizer, held=two)
        for number, text in enumerate(TEXTS * 3):
            together.add(number, request(text, 12), adapters[number % 3])
        found = {number: deltas[-1].text for number, deltas in together.drain().items()}
        assert found == alone
        assert len(set(alone.values())) > len(TEXTS), "adapters change the answers"
        adapter = adapters[1]
        assert adapter and one.adapters.copy(adapter) is None and not one.adapters.worth_a_copy(adapter, ())
    finally:
        two.model.close()
    whole = Bench(starter, tokenizer)
    if packing == "8bit":
        same = [whole.answer(request(text, 12)).text == alone[number * 3] for number, text in enumerate([TEXTS[0]])]
        assert same == [True]


def test_they_take_less(starter: ModelInfo) -> None:
    sizes = [weights_bytes(starter, "fp32", packing) for packing in ("none", "8bit", "4bit")]
    assert sizes == sorted(sizes, reverse=True) and sizes[2] < 0.7 * sizes[0]
