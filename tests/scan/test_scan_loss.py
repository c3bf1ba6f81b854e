"""The loss of a file: its definition, whatever the batches, the padding and the windows."""

import json
from pathlib import Path

import pytest
import torch
from tokenizers import Tokenizer, decoders, models, pre_tokenizers
from torch.nn import functional
from transformers import LlamaConfig, LlamaForCausalLM

from backend.models import catalog
from backend.models.tokenizer import load_tokenizer
from backend.scan import loss
from backend.scan.loss import Scorer
from backend.scan.score import groups

MARKS = ["<|endoftext|>", "<fim_prefix>", "<fim_suffix>", "<fim_middle>"]
TEXTS = ["", "a = 1\n", "def f(x):\n    return x\n\n\nprint(f(2))\n" * 9, "x", "b" * 500, "a = 1\n<|endoftext|>\n"]


@pytest.fixture
def model(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> LlamaForCausalLM:
    """A random model of one token a byte, found by the name `starter`."""
    alphabet = sorted(pre_tokenizers.ByteLevel.alphabet())
    vocabulary = {token: number for number, token in enumerate([*MARKS, *alphabet])}
    tokenizer = Tokenizer(models.BPE(vocab=vocabulary, merges=[]))
    tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    tokenizer.decoder = decoders.ByteLevel()
    tokenizer.add_special_tokens(MARKS)
    tokenizer.save(str(tmp_path / "tokenizer.json"))
    torch.manual_seed(3)
    config = LlamaConfig(
        vocab_size=len(vocabulary),
        hidden_size=16,
        intermediate_size=32,
        num_hidden_layers=2,
        num_attention_heads=2,
        num_key_value_heads=1,
        tie_word_embeddings=True,
    )
    made = LlamaForCausalLM(config).eval()
    made.save_pretrained(tmp_path)
    facts = {"fim_layout": "spm_contiguous", "context": 2048, "languages": ["Python"], "loss_threshold": 3.0}
    (tmp_path / "starter.json").write_text(json.dumps(facts))
    monkeypatch.setattr(catalog, "starter_folder", lambda: tmp_path)
    monkeypatch.setattr(loss, "fast_bf16", lambda: False)
    return made


def plain(model: LlamaForCausalLM, ids: list[int], stride: int) -> float:
    """The definition, spelt out: windows that each begin with the token before."""
    total, previous = 0.0, 0
    for at in range(0, len(ids), stride):
        row = torch.tensor([[previous, *ids[at : at + stride]]])
        with torch.no_grad():
            logits = model(input_ids=row[:, :-1]).logits
        total += functional.cross_entropy(logits[0], row[0, 1:], reduction="sum").item()
        previous = int(row[0, -1])
    return total / len(ids)


@pytest.mark.parametrize("context", [64, 2048])
def test_losses_are_those_of_the_definition(
    model: LlamaForCausalLM, context: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(loss, "BATCH_TOKENS", 200)
    monkeypatch.setattr(loss, "LOGITS_TOKENS", 37)
    scorer = Scorer(catalog.starter(), context)
    tokenizer = load_tokenizer(catalog.starter())
    found = scorer.score(TEXTS)
    assert found[0].loss is None and found[0].tokens == 0
    for text, one in list(zip(TEXTS, found, strict=True))[1:]:
        ids = tokenizer.encode_plain(text)
        assert one.tokens == len(ids)
        assert one.loss == pytest.approx(plain(model, ids, context - 1), rel=1e-4)
        assert len(one.lines) == text.count("\n") + 1


def test_of_a_very_long_file_the_beginning_counts(model: LlamaForCausalLM, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(loss, "MOST_WINDOWS", 2)
    long, short = Scorer(catalog.starter(), 32).score(["a b c d\n" * 100, ("a b c d\n" * 100)[:62]])
    assert long.loss == pytest.approx(short.loss) and long.tokens == 800


def test_groups_hold_every_content_once_and_stay_small() -> None:
    wanted = [(f"{number:064x}", number * 997 % 300_000) for number in range(500)]
    made = groups(wanted)
    assert sorted(item for group in made for item in group) == sorted(wanted)
    assert all(len(group) <= 64 and (len(group) == 1 or sum(size for _, size in group) <= 256 * 1024) for group in made)
    assert groups([]) == []
