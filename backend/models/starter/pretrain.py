"""Trains the starter from scratch; stopped at any moment it goes on from its last checkpoint.

Muon for the matrices, AdamW for the rest, weights in float32, compiled, products in bfloat16 where the CPU computes in
it; the rate is warmed up, held and decayed to zero over the last fifth (WSD), so that a run may be lengthened or cut
short until the decay begins.
"""

import json
import os
import shutil
import time
from pathlib import Path
from typing import Any

import torch
from safetensors.torch import load_file
from torch.nn import functional

from backend.devices import fast_bf16
from backend.models.catalog import starter_folder
from backend.models.starter import corpus, vocabulary
from backend.models.starter.muon import Muon
from backend.models.starter.samples import Rows

CONTEXT, SHORT = 2048, 512
LONG_SHARE = 0.1
"""The last part of the training, at the whole context."""
STEP_TOKENS = 4096
WARM_UP, DECAY = 60, 0.2
MUON_RATE, ADAM_RATE, WEIGHT_DECAY = 0.01, 1e-3, 0.02
SAVE_EVERY_S = 150.0
SHAPE = {"hidden_size": 288, "intermediate_size": 896, "num_hidden_layers": 3, "num_attention_heads": 6}
"""With embeddings of its own at either end: 8.0 M parameters, of which 5.7 M compute; few layers answer sooner."""


def build() -> Any:
    """The untrained model."""
    from transformers import LlamaConfig, LlamaForCausalLM

    config = LlamaConfig(
        vocab_size=vocabulary.SIZE,
        **SHAPE,
        num_key_value_heads=SHAPE["num_attention_heads"],
        head_dim=SHAPE["hidden_size"] // SHAPE["num_attention_heads"],
        max_position_embeddings=CONTEXT,
        tie_word_embeddings=False,
        bos_token_id=None,
        eos_token_id=0,
        pad_token_id=4,
    )
    torch.manual_seed(1)
    return LlamaForCausalLM._from_config(config, attn_implementation="sdpa")


def prepare(work: Path) -> tuple[list[str], Any]:
    """Corpus and tokenizer, made once and then read from `work`."""
    documents, tokenizer = work / "corpus.jsonl", work / "tokenizer.json"
    if not documents.exists():
        held = corpus.write(work / "corpus.part")
        (work / "corpus.json").write_text(json.dumps(held, indent=1))
        (work / "corpus.part").rename(documents)
    texts = corpus.load(documents)
    if not tokenizer.exists():
        vocabulary.train(texts).save(str(tokenizer))
    return texts, vocabulary.load(tokenizer)


def rate(step: int, steps: int) -> float:
    """Share of the peak learning rate at `step`."""
    if step < WARM_UP:
        return (step + 1) / WARM_UP
    return min(1.0, (steps - step) / (DECAY * steps))


class Pretraining:
    """Model and optimizers, saved whole and resumed whole."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self.model = build()
        named = list(self.model.named_parameters())
        matrices = [one for name, one in named if "_proj" in name]
        others = [one for name, one in named if "_proj" not in name]
        self._muon = Muon(matrices, lr=MUON_RATE, weight_decay=WEIGHT_DECAY, momentum=0.95)
        self._adam = torch.optim.AdamW(others, lr=ADAM_RATE, betas=(0.9, 0.95), weight_decay=0.0, fused=True)
        self.step, self.tokens, self.before = 0, 0, 0
        self._bf16 = fast_bf16()
        self._compiled = torch.compile(self._loss, dynamic=False)
        if path.exists():
            saved = torch.load(path, weights_only=True)
            self.model.load_state_dict(saved["model"])
            self._muon.load_state_dict(saved["muon"])
            self._adam.load_state_dict(saved["adam"])
            self.step, self.tokens, self.before = saved["step"], saved["tokens"], saved.get("before", 0)

    def go_on_from(self, folder: Path) -> None:
        """Begin with exported weights instead of random ones; their tokens count as seen before."""
        facts = json.loads((folder / "starter.json").read_text())
        self.model.load_state_dict(load_file(folder / "model.safetensors"))
        self.before = facts["tokens"]

    def save(self) -> None:
        """To a temporary file, then renamed: a kill leaves the old checkpoint."""
        state = {"model": self.model.state_dict(), "muon": self._muon.state_dict(), "adam": self._adam.state_dict()}
        part = self._path.with_suffix(".part")
        torch.save({**state, "step": self.step, "tokens": self.tokens, "before": self.before}, part)
        part.replace(self._path)

    def advance(self, rows: list[list[int]], share: float) -> float:
        """One optimizer step over the rows; returns their mean loss in nats a token."""
        for optimizer, peak in ((self._muon, MUON_RATE), (self._adam, ADAM_RATE)):
            for group in optimizer.param_groups:
                group["lr"] = peak * share
        ids = torch.tensor(rows)
        with torch.autocast("cpu", torch.bfloat16, enabled=self._bf16):
            loss = self._compiled(ids)
        loss.backward()
        torch.nn.utils.clip_grad_norm_(self.model.parameters(), 1.0)
        self._muon.step()
        self._adam.step()
        self.model.zero_grad(set_to_none=True)
        self.step += 1
        self.tokens += ids[:, 1:].numel()
        return float(loss.detach())

    def _loss(self, ids: torch.Tensor) -> torch.Tensor:
        """Mean loss in nats a token of (rows, length + 1) tokens."""
        hidden = self.model.base_model(input_ids=ids[:, :-1], use_cache=False).last_hidden_state
        logits = self.model.lm_head(hidden.flatten(0, 1)).float()
        return functional.cross_entropy(logits, ids[:, 1:].flatten())


def pretrain(work: Path, wanted: int, shipped: bool) -> None:
    """Train on `wanted` tokens, from random weights or those that are `shipped`; a line every 40 steps."""
    work.mkdir(parents=True, exist_ok=True)
    if shipped and not (work / "tokenizer.json").exists():
        shutil.copy(starter_folder() / "tokenizer.json", work / "tokenizer.json")  # the vocabulary stays
    texts, tokenizer = prepare(work)
    run = Pretraining(work / "train.pt")
    if shipped and run.step == 0:
        run.go_on_from(starter_folder())
    rows = Rows(texts, tokenizer, run.before)
    run.model.train()
    steps = wanted // STEP_TOKENS
    saved = told = time.monotonic()
    loss, since = 0.0, run.step
    while run.step < steps:
        length = CONTEXT if run.step >= (1 - LONG_SHARE) * steps else SHORT
        loss += run.advance(rows.batch(run.step, STEP_TOKENS // length, length + 1), rate(run.step, steps))
        now = time.monotonic()
        if run.step % 40 == 0:
            speed = (run.step - since) * STEP_TOKENS / (now - told)
            line = f"step {run.step}/{steps} · {run.tokens / 1e6:.2f} M tokens · {speed:.0f} tok/s"
            line += f" · loss {loss / (run.step - since):.3f}"
            print(line, flush=True)  # noqa: T201 (a script's progress)
            told, since, loss = now, run.step, 0.0
        if now - saved > SAVE_EVERY_S:
            run.save()
            saved = now
    run.save()
    print("done", os.getpid(), flush=True)  # noqa: T201
