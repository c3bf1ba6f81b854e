"""Writes the trained starter as the plain Hugging Face folder that ships inside the package."""

import json
import shutil
from pathlib import Path
from typing import Any

import torch

from backend.models.catalog import starter_folder
from backend.models.starter import vocabulary
from backend.models.starter.pretrain import CONTEXT, Pretraining

PROVISIONAL_THRESHOLD = 6.0
"""Until `measure` has calibrated it."""
LEARNING_RATE = 1e-3
"""Peak rate of a LoRA run on it: half as much again costs other code more than 5 % (`bench_gain.py`)."""


def export(work: Path) -> Path:
    """The folder, whole: bfloat16 weights, tokenizer, and the facts that the catalog reads; `measure` adds figures."""
    folder = starter_folder()
    folder.mkdir(parents=True, exist_ok=True)
    trained = Pretraining(work / "train.pt")
    # Stored in 16 bits, computed in 32: half the size, and no CPU is slowed down.
    trained.model.to(torch.bfloat16).save_pretrained(folder)
    shutil.copy(work / "tokenizer.json", folder / "tokenizer.json")
    _write(folder / "tokenizer_config.json", _tokenizer_config())
    _write(folder / "generation_config.json", {"do_sample": False, "eos_token_id": 0, "pad_token_id": 4})
    facts = {
        "fim_layout": "spm_contiguous",
        "context": CONTEXT,
        "languages": ["Python"],
        "loss_threshold": PROVISIONAL_THRESHOLD,
        "learning_rate": LEARNING_RATE,
        "tokens": trained.before + trained.tokens,
        "corpus": json.loads((work / "corpus.json").read_text()),
        "figures": {},
    }
    _write(folder / "starter.json", facts)
    return folder


def _tokenizer_config() -> dict[str, Any]:
    return {
        "tokenizer_class": "PreTrainedTokenizerFast",
        "model_max_length": CONTEXT,
        "eos_token": vocabulary.EOT,
        "pad_token": vocabulary.PAD,
        "additional_special_tokens": [vocabulary.PREFIX, vocabulary.SUFFIX, vocabulary.MIDDLE],
        "clean_up_tokenization_spaces": False,
    }


def _write(path: Path, value: Any) -> None:
    path.write_text(json.dumps(value, indent=1, ensure_ascii=False) + "\n")
