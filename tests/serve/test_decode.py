"""Our forward pass against transformers' and peft's own, token for token."""

from pathlib import Path
from typing import Any

import pytest
import torch

from backend.errors import RefactError
from backend.models.catalog import ModelInfo
from backend.models.load import load_base
from backend.models.tokenizer import load_tokenizer
from backend.serve.caches import Cache
from backend.serve.decode import Llama, Piece
from backend.serve.llama import read_shape
from backend.serve.lora import merge
from backend.serve.prompt import lay_out
from backend.serve.request import CompletionRequest
from backend.serve.weights import Weights, read_weights

PROMPTS = [[5, 6, 7], list(range(10, 60)), [17]]


def greedy(model: Llama, weights: Weights, prompts: list[list[int]], tokens: int) -> list[list[int]]:
    """All prompts decoded in one batch, each joined one step after the one before."""
    caches = [Cache(model.shape, len(prompt) + tokens) for prompt in prompts]
    answers: list[list[int]] = [[] for _ in prompts]
    for step in range(tokens + len(prompts)):
        live = [n for n in range(min(step + 1, len(prompts))) if len(answers[n]) < tokens]
        pieces = [Piece(caches[n], answers[n][-1:] or prompts[n]) for n in live]
        if pieces:
            for n, line in zip(live, model.forward(weights, pieces), strict=True):
                answers[n].append(int(line.argmax()))
    return answers


def reference(model: Any, prompt: list[int], tokens: int) -> list[int]:
    """Plain transformers greedy decoding without a cache."""
    ids = list(prompt)
    with torch.inference_mode():
        for _ in range(tokens):
            ids.append(int(model(torch.tensor([ids])).logits[0, -1].argmax()))
    return ids[len(prompt) :]


@pytest.fixture(scope="module")
def official(tiny: ModelInfo) -> Any:
    return load_base(tiny)


def test_batched_greedy_equals_transformers(tiny: ModelInfo, official: Any) -> None:
    shape = read_shape(tiny.path)
    ours = greedy(Llama(shape), read_weights(tiny.path, shape), PROMPTS, 12)
    assert ours == [reference(official, prompt, 12) for prompt in PROMPTS]


def test_the_starter_equals_transformers(starter: ModelInfo) -> None:
    tokenizer = load_tokenizer(starter)
    asks = [
        CompletionRequest(prompt="class Engine:\n    def __init__(self"),
        CompletionRequest(prompt="def area(a, b):\n    return ", suffix="\n\n\nprint(area(2, 3))\n"),
    ]
    prompts = [lay_out(starter, tokenizer, ask).ids for ask in asks]
    shape = read_shape(starter.path)
    ours = greedy(Llama(shape), read_weights(starter.path, shape), prompts, 12)
    base = load_base(starter)
    assert ours == [reference(base, prompt, 12) for prompt in prompts]


def test_prompt_in_chunks_equals_prompt_at_once(tiny: ModelInfo) -> None:
    shape = read_shape(tiny.path)
    model, weights = Llama(shape), read_weights(tiny.path, shape)
    ids = list(range(20, 220))
    whole, parts = Cache(shape, 200), Cache(shape, 200)
    expected = model.forward(weights, [Piece(whole, ids)])
    for start in range(0, 200, 64):
        got = model.forward(weights, [Piece(parts, ids[start : start + 64])])
    torch.testing.assert_close(got, expected, atol=1e-3, rtol=1e-3)


@pytest.mark.parametrize("used", [0, 40])
@pytest.mark.parametrize("wanted", [0, 1, 3, 20])
def test_only_what_is_wanted_is_computed(tiny: ModelInfo, used: int, wanted: int) -> None:
    shape = read_shape(tiny.path)
    model, weights = Llama(shape), read_weights(tiny.path, shape)
    ids = list(range(20, 120))
    whole, part, other = Cache(shape, 200), Cache(shape, 200), Cache(shape, 200)
    every = model.forward(weights, [Piece(whole, ids[: used + 20], used + 20)])
    if used:
        model.forward(weights, [Piece(part, ids[:used], 0)])
    got = model.forward(weights, [Piece(part, ids[used : used + 20], wanted), Piece(other, ids[:5], 2)])
    assert got.shape[0] == wanted + 2
    torch.testing.assert_close(got[:wanted], every[used + 20 - wanted :], atol=1e-3, rtol=1e-3)
    torch.testing.assert_close(got[wanted:], every[3:5], atol=1e-3, rtol=1e-3)
    after = [model.forward(weights, [Piece(cache, [7])]) for cache in (whole, part)]
    torch.testing.assert_close(after[0], after[1], atol=1e-3, rtol=1e-3)


@pytest.mark.filterwarnings("ignore:.*is_gradient_checkpointing.*:FutureWarning")
@pytest.mark.parametrize("rslora", [False, True])
def test_merged_copy_equals_peft(tiny: ModelInfo, tmp_path: Path, rslora: bool) -> None:
    from peft import LoraConfig, PeftModel, get_peft_model

    torch.manual_seed(3)
    settings = LoraConfig(r=4, lora_alpha=16, target_modules="all-linear", use_rslora=rslora, init_lora_weights=False)
    get_peft_model(load_base(tiny), settings).save_pretrained(tmp_path)
    peft = PeftModel.from_pretrained(load_base(tiny), tmp_path).merge_and_unload()
    shape = read_shape(tiny.path)
    base = read_weights(tiny.path, shape)
    qkv = base.layers[0].qkv
    assert isinstance(qkv, torch.Tensor)
    before = qkv.clone()
    ours = greedy(Llama(shape), merge(base, shape, tmp_path), PROMPTS, 10)
    assert ours == [reference(peft, prompt, 10) for prompt in PROMPTS]
    assert torch.equal(base.layers[0].qkv, before)
    assert ours != greedy(Llama(shape), base, PROMPTS, 10)


def test_what_is_no_adapter_is_refused_in_words(tiny: ModelInfo, tmp_path: Path) -> None:
    shape = read_shape(tiny.path)
    with pytest.raises(RefactError, match="cannot be read"):
        merge(read_weights(tiny.path, shape), shape, tmp_path)
