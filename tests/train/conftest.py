"""Descriptions of models that need no weights, and the starter's tokenizer."""

from pathlib import Path

import pytest

from backend.models import catalog
from backend.models.catalog import ModelInfo
from backend.models.tokenizer import TextTokenizer, load_tokenizer

SMALL = ModelInfo(
    name="starter",
    path=Path("/nowhere"),
    family="starter",
    fim_layout="spm_contiguous",
    fim_prefix="<fim_prefix>",
    fim_suffix="<fim_suffix>",
    fim_middle="<fim_middle>",
    eot="<|endoftext|>",
    context=2048,
    languages=("Python",),
    loss_threshold=6.0,
    parameters=8_000_000,
    hidden_size=288,
    layers=6,
    intermediate_size=768,
    vocab_size=8192,
    learning_rate=4e-3,
    licence="BSD-3-Clause",
)
"""Shaped like the starter."""


@pytest.fixture
def small_model() -> ModelInfo:
    return SMALL


@pytest.fixture(scope="session")
def starter() -> ModelInfo:
    return catalog.starter()


@pytest.fixture(scope="session")
def tokenizer(starter: ModelInfo) -> TextTokenizer:
    return load_tokenizer(starter)
