"""The quick arithmetic: cross-entropy in pieces, attention by documents and adapted layers give the plain numbers."""

import math
from pathlib import Path
from typing import Any

import pytest
import torch
import torch.nn.functional as F
from hypothesis import given, settings
from hypothesis import strategies as st
from peft import LoraConfig, get_peft_model
from torch import Tensor, nn
from transformers import (
    AutoModelForCausalLM,
    Gemma2Config,
    LlamaConfig,
    MistralConfig,
    Qwen2Config,
    StableLmConfig,
    Starcoder2Config,
)

from backend.train import adapted_linear, attention, forward, lora, nats, room
from backend.train.batches import Batch, batch
from backend.train.packing import Document, Row
from backend.train.settings import merged

# peft asks transformers by a name that transformers would rather not hear.
pytestmark = pytest.mark.filterwarnings("ignore:.*is_gradient_checkpointing:FutureWarning")
SIZES: dict[str, Any] = {
    "vocab_size": 97,
    "hidden_size": 32,
    "intermediate_size": 48,
    "num_hidden_layers": 2,
    "num_attention_heads": 4,
    "num_key_value_heads": 2,
    "max_position_embeddings": 128,
}


def rows(*lengths: tuple[int, ...]) -> list[Row]:
    """Rows of random documents; every third token weighs nothing, as context does."""
    chance = torch.Generator().manual_seed(5)
    found = []
    for row in lengths:
        documents = []
        for length in row:
            ids = torch.randint(1, 97, (length,), generator=chance).tolist()
            documents.append(Document(ids, [0.0, *(0.5 * (number % 3) for number in range(1, length))]))
        found.append(Row(64, documents))
    return found


def close(one: Tensor | None, other: Tensor | None) -> bool:
    assert one is not None and other is not None
    return bool(torch.allclose(one.float(), other.float(), rtol=1e-4, atol=1e-5))


@settings(max_examples=25, deadline=None)
@given(
    tokens=st.integers(1, 60),
    vocabulary=st.integers(2, 300),
    seed=st.integers(0, 99),
    trained=st.booleans(),
    biased=st.booleans(),
)
def test_cross_entropy_in_pieces_is_cross_entropy(
    tokens: int, vocabulary: int, seed: int, trained: bool, biased: bool
) -> None:
    chance = torch.Generator().manual_seed(seed)
    hidden = torch.randn(tokens, 16, generator=chance, requires_grad=True)
    head = torch.randn(vocabulary, 16, generator=chance, requires_grad=trained)
    bias = torch.randn(vocabulary, generator=chance) if biased else None
    targets = torch.randint(0, vocabulary, (tokens,), generator=chance)
    weights = torch.rand(tokens, generator=chance) * (torch.rand(tokens, generator=chance) > 0.3)
    wanted = (F.cross_entropy(F.linear(hidden, head, bias), targets, reduction="none") * weights).sum()
    leaves = [hidden, head] if trained else [hidden]
    wanted_gradients = torch.autograd.grad(wanted * 0.25, leaves, allow_unused=True)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(nats, "ELEMENTS", 1)
        patch.setattr(nats, "FEWEST", 7)
        found = nats.weighted_nats(hidden, head, bias, targets, weights)
        gradients = torch.autograd.grad(found * 0.25, leaves, allow_unused=True)
    assert math.isclose(float(found.detach()), float(wanted.detach()), rel_tol=1e-4, abs_tol=1e-4)
    for one, other in zip(gradients, wanted_gradients, strict=True):
        assert close(one, other)


def test_very_wrong_and_very_sure_predictions_lose_no_digits() -> None:
    head = torch.eye(4)
    hidden = torch.tensor([[300.0, 0.0, 0.0, 0.0], [300.0, 0.0, 0.0, 0.0]], requires_grad=True)
    found = nats.weighted_nats(hidden, head, None, torch.tensor([1, 0]), torch.ones(2))
    found.backward()
    assert float(found.detach()) == pytest.approx(300.0)
    assert hidden.grad is not None and hidden.grad[0].tolist() == [1.0, -1.0, 0.0, 0.0]


@pytest.mark.parametrize("block", [3, 4, 7, 256])
@pytest.mark.parametrize("window", [None, 1, 5, 12])
def test_attention_by_documents_is_attention_under_their_mask(
    block: int, window: int | None, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(attention, "BLOCK", block)
    one = batch(rows((20, 12), (31,), (1, 2, 29)), 0)
    shape = (one.ids.shape[0], one.ids.shape[1], 8)
    chance = torch.Generator().manual_seed(1)
    query, key, value = (
        torch.randn(shape[0], heads, *shape[1:], generator=chance, requires_grad=True) for heads in (4, 2, 2)
    )
    mask = one.mask(window)
    if window is not None:
        assert torch.equal(mask, one.mask() & torch.ones_like(mask).triu(1 - window))
    wanted = F.scaled_dot_product_attention(query, key, value, attn_mask=mask, enable_gqa=True).transpose(1, 2)
    told = attention.mask_of(one.documents, one.borders)
    found, _ = attention.documents_attention(nn.Module(), query, key, value, told, sliding_window=window)
    seen = torch.zeros(one.ids.shape, dtype=torch.bool)
    for row, start, end in one.documents:
        seen[row, start:end] = True
    assert close(found[seen], wanted[seen])
    back = torch.randn(found.shape, generator=chance) * seen[..., None, None]
    for left, right in zip(
        torch.autograd.grad(found, (query, key, value), back),
        torch.autograd.grad(wanted, (query, key, value), back),
        strict=True,
    ):
        assert close(left, right)


@pytest.mark.parametrize("block", [7, 256])
def test_attention_with_dropout_is_attention_whose_chances_are_dropped(
    block: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(attention, "BLOCK", block)
    one = batch(rows((20, 12)), 0)
    query, key, value = (torch.randn(1, 2, 32, 32, requires_grad=True) for _ in range(3))

    def mixed(of: Tensor, dropout: float) -> Tensor:
        torch.manual_seed(6)
        told = attention.mask_of(one.documents, one.borders)
        found: Tensor = attention.documents_attention(nn.Module(), query, key, of, told, dropout=dropout)[0]
        return found.transpose(1, 2)

    # What mixes the unit vectors are the chances themselves.
    unit = torch.eye(32).expand(1, 2, 32, 32)
    whole, dropped = mixed(unit, 0.0).detach(), mixed(unit, 0.4).detach()
    assert not dropped[:, :, 20:, :20].any(), "nobody looks into another document"
    share = float((dropped[whole > 0] == 0).float().mean())
    assert 0.3 < share < 0.5
    grown = torch.where(whole > 0, dropped / whole, 0.0)
    assert close(grown[grown > 0], torch.full_like(grown[grown > 0], 1 / 0.6))
    scores = (query @ key.transpose(2, 3) * 32**-0.5).masked_fill(~one.mask(), -torch.inf)
    wanted, found = (torch.softmax(scores, -1) * grown) @ value, mixed(value, 0.4)
    assert close(found, wanted)
    for left, right in zip(
        torch.autograd.grad(found.square().sum(), (query, key, value)),
        torch.autograd.grad(wanted.square().sum(), (query, key, value)),
        strict=True,
    ):
        assert torch.allclose(left, right, rtol=1e-3, atol=1e-4)


@pytest.mark.parametrize("biased", [True, False])
def test_an_adapted_layer_computes_what_peft_computes(biased: bool) -> None:
    torch.manual_seed(2)
    model: Any = nn.Sequential(nn.Linear(16, 24, bias=biased), nn.Linear(24, 8, bias=biased))
    tuned: Any = get_peft_model(model, LoraConfig(r=4, target_modules=["0", "1"]))
    for weight in tuned.parameters():
        nn.init.normal_(weight)
    x = torch.randn(3, 5, 16, requires_grad=True)
    weights = [x, *(weight for weight in tuned.parameters() if weight.requires_grad)]
    wanted = tuned(x)
    wanted_gradients = torch.autograd.grad(wanted.square().sum(), weights)
    with tuned.disable_adapter():
        base = tuned(x)
    adapted_linear.quicken(tuned)
    found = tuned(x)
    assert torch.allclose(found, wanted, rtol=1e-4, atol=1e-3)
    for one, other in zip(torch.autograd.grad(found.square().sum(), weights), wanted_gradients, strict=True):
        assert torch.allclose(one, other, rtol=1e-3, atol=1e-1)
    with tuned.disable_adapter():
        assert torch.equal(tuned(x), base)


def tuned_model(config: Any, embeddings: bool = False) -> Any:
    """A random model of a family with adapters that already do something."""
    torch.manual_seed(3)
    model = AutoModelForCausalLM.from_config(config)
    chosen = {"lora_r": 4, "lora_alpha": 8, "lora_dropout": 0.0, "target_modules": "all-linear", "seed": 1}
    chosen |= {"lora_init_scale": 1.0, "low_gpu_memory_mode": False, "train_embeddings": embeddings}
    tuned = lora.adapted(model, chosen)
    for name, weight in lora.trainable(tuned).items():
        if "lora_B" in name:
            nn.init.normal_(weight, std=0.1)
    return tuned


def loss_and_gradients(tuned: Any, one: Batch) -> tuple[float, dict[str, Tensor]]:
    tuned.train()
    tuned.zero_grad()
    loss = forward.nats(tuned, one)
    loss.backward()
    return float(loss.detach()), {name: weight.grad.clone() for name, weight in lora.trainable(tuned).items()}


@pytest.mark.parametrize("embeddings", [False, True])
@pytest.mark.parametrize("kind", [LlamaConfig, Qwen2Config, StableLmConfig, Starcoder2Config])
@pytest.mark.parametrize("tied", [False, True])
def test_the_quick_way_gives_a_model_s_own_loss_and_gradients(kind: Any, tied: bool, embeddings: bool) -> None:
    sizes = {**SIZES, "tie_word_embeddings": tied}
    if kind is Starcoder2Config:
        sizes |= {"residual_dropout": 0.0, "embedding_dropout": 0.0}
    tuned = tuned_model(kind(**sizes), embeddings)
    one = batch(rows((30, 20), (45,)), 0)
    wanted, wanted_gradients = loss_and_gradients(tuned, one)
    why_not = forward.quicken(tuned, batch(rows((30, 20)), 0))
    assert why_not is None
    found, gradients = loss_and_gradients(tuned, one)
    assert found == pytest.approx(wanted, rel=1e-4)
    assert gradients.keys() == wanted_gradients.keys()
    for name, gradient in gradients.items():
        assert torch.allclose(gradient, wanted_gradients[name], rtol=1e-3, atol=1e-3), name
    room.checkpoint_activations(tuned)
    again, gradients_again = loss_and_gradients(tuned, one)
    assert again == found
    assert all(torch.equal(gradients_again[name], gradients[name]) for name in gradients)


@pytest.mark.parametrize("kind", [MistralConfig, Starcoder2Config])
def test_a_model_with_a_window_is_tuned_as_it_reads_a_document_alone(kind: Any) -> None:
    still = {"residual_dropout": 0.0, "embedding_dropout": 0.0} if kind is Starcoder2Config else {}
    tuned = tuned_model(kind(**SIZES, sliding_window=16, attention_dropout=0.0, **still))
    packed = rows((30, 20), (45,))
    alone = 0.0
    for document in (document for row in packed for document in row.sequences):
        ids, weights = torch.tensor([document.ids]), torch.tensor(document.weights)
        with torch.no_grad():
            logits = tuned(input_ids=ids, use_cache=False).logits[0, :-1]
        alone += float((F.cross_entropy(logits, ids[0, 1:], reduction="none") * weights[1:]).sum())
    one = batch(packed, 0)
    assert loss_and_gradients(tuned, one)[0] == pytest.approx(alone, rel=1e-4)
    assert forward.quicken(tuned, one) is None
    assert loss_and_gradients(tuned, one)[0] == pytest.approx(alone, rel=1e-4)


def test_a_model_that_computes_otherwise_keeps_its_own_arithmetic() -> None:
    tuned = tuned_model(Gemma2Config(**SIZES, head_dim=8, final_logit_softcapping=0.5))
    one = batch(rows((30, 20)), 0)
    wanted, _ = loss_and_gradients(tuned, one)
    assert forward.quicken(tuned, one)
    assert loss_and_gradients(tuned, one)[0] == pytest.approx(wanted, rel=1e-5)


def test_trained_embeddings_are_saved_with_the_adapter(tmp_path: Path) -> None:
    tuned = tuned_model(LlamaConfig(**SIZES), embeddings=True)
    from safetensors.torch import load_file

    tuned.save_pretrained(tmp_path)
    names = set(load_file(tmp_path / "adapter_model.safetensors"))
    assert {"base_model.model.lm_head.weight", "base_model.model.model.embed_tokens.weight"} <= names


@pytest.mark.parametrize("tied", [False, True])
def test_with_trained_embeddings_the_base_answers_as_it_did(tied: bool) -> None:
    torch.manual_seed(1)
    base = AutoModelForCausalLM.from_config(LlamaConfig(**SIZES, tie_word_embeddings=tied)).to(torch.bfloat16).eval()
    ids = torch.randint(97, (2, 9))
    with torch.no_grad():
        wanted = base(input_ids=ids).logits
    tuned = lora.adapted(base, merged({"train_embeddings": True})).eval()
    with torch.no_grad(), tuned.disable_adapter():
        assert torch.equal(tuned(input_ids=ids).logits.float(), wanted.float())
    assert tuned(input_ids=ids).logits.requires_grad
