"""Mean token loss of files under the model that will be tuned; the only part of the scan that knows torch.

A file's loss is the mean cross-entropy in nats over its tokens, as plain text. It is read in windows of `context`
tokens; a window begins with the end-of-text token, or with the last token of the window before, so that every token
of the file is predicted exactly once; a model that wants a token of its own before every text gets it before every
window. Of a very long file the first 32 windows count.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import torch
from torch.nn import functional

from backend.devices import fast_bf16
from backend.models.catalog import ModelInfo
from backend.models.layout import opening
from backend.models.load import load_base
from backend.models.tokenizer import TextTokenizer, load_tokenizer

MOST_WINDOWS = 32
BATCH_TOKENS = 8192
LOGITS_TOKENS = 1024
"""Logits exist for so many tokens at a time, so memory does not grow with vocabulary times window."""


@dataclass(frozen=True)
class Scored:
    """Loss None where there is nothing to compute it on; lines None where one has no token."""

    loss: float | None
    tokens: int
    """Of the whole file, also where only its beginning was scored."""
    lines: list[float | None]


@dataclass(frozen=True)
class Window:
    """What the model reads at once of one file, and is to predict of it."""

    file: int
    start: int
    ids: list[int]
    """What is there already, then the tokens to predict."""
    known: int
    """How many of them are there already; at least one."""


class Scorer:
    """The base model, ready to score texts."""

    def __init__(self, info: ModelInfo, context: int) -> None:
        self._tokenizer: TextTokenizer = load_tokenizer(info)
        self._opening = opening(self._tokenizer.marks)
        self._stride = min(context, info.context) - 1 - len(self._opening)
        self._device = "cuda" if torch.cuda.is_available() else "cpu"
        self._model = load_base(info, torch.bfloat16 if self._device == "cuda" or fast_bf16() else torch.float32).to(
            self._device
        )
        spellings = (self._tokenizer.token(id_) for id_ in range(self._tokenizer.size))
        self._plain_head = self._has_plain_head(info)
        self._breaks = [spelt.count("Ċ") + spelt.count("\n") + spelt.count("<0x0A>") for spelt in spellings]

    def score(self, texts: Sequence[str]) -> list[Scored]:
        """One result a text, in their order."""
        ids = self._tokenizer.encode_plain_batch([self._tokenizer.begun(text) for text in texts])
        losses: list[dict[int, list[float]]] = [{} for _ in texts]
        windows = [window for number, one in enumerate(ids) for window in self._windows(number, one)]
        with torch.inference_mode():
            for batch in _batches(sorted(windows, key=lambda window: len(window.ids))):
                for window, values in zip(batch, self._losses(batch), strict=True):
                    losses[window.file][window.start] = values
        return [self._scored(one, found) for one, found in zip(ids, losses, strict=True)]

    def _windows(self, file: int, ids: list[int]) -> Iterator[Window]:
        before = self._opening or [self._tokenizer.marks.eot]
        for start in range(0, min(len(ids), MOST_WINDOWS * self._stride), self._stride):
            piece = ids[start : start + self._stride]
            yield Window(file, start, [*before, *piece], len(before))
            before = [*self._opening, piece[-1]]

    def _losses(self, batch: list[Window]) -> list[list[float]]:
        longest = max(len(window.ids) for window in batch)
        # Padding stands at the right, where a causal model cannot see it from the tokens that count.
        rows = torch.tensor([window.ids + [0] * (longest - len(window.ids)) for window in batch], device=self._device)
        flat, head = self._before_head(rows[:, :-1])
        targets = rows[:, 1:].reshape(-1)
        parts = [
            functional.cross_entropy(
                head(flat[at : at + LOGITS_TOKENS]).float(), targets[at : at + LOGITS_TOKENS], reduction="none"
            )
            for at in range(0, len(targets), LOGITS_TOKENS)
        ]
        table = torch.cat(parts).reshape(len(batch), -1).tolist()
        return [row[window.known - 1 : len(window.ids) - 1] for window, row in zip(batch, table, strict=True)]

    def _before_head(self, rows: torch.Tensor) -> tuple[torch.Tensor, Any]:
        """What the head reads of every token, and the head; where more stands behind it, the logits themselves."""
        if self._plain_head:
            found = self._model.base_model(input_ids=rows, use_cache=False).last_hidden_state
            return found.reshape(-1, found.shape[-1]), self._model.get_output_embeddings()
        found = self._model(input_ids=rows, use_cache=False).logits
        return found.reshape(-1, found.shape[-1]), lambda part: part

    def _has_plain_head(self, info: ModelInfo) -> bool:
        """Whether its logits are just what its head makes of the last layer; some scale or cap them."""
        rows = torch.tensor([[info.vocab_size // 3, info.vocab_size // 2]], device=self._device)
        with torch.inference_mode():
            whole = self._model(input_ids=rows, use_cache=False).logits
            try:
                hidden = self._model.base_model(input_ids=rows, use_cache=False).last_hidden_state
                made = self._model.get_output_embeddings()(hidden)
            except (AttributeError, TypeError, RuntimeError):
                return False
        return bool(torch.allclose(made.float(), whole.float(), rtol=1e-3, atol=1e-4))

    def _scored(self, ids: list[int], found: dict[int, list[float]]) -> Scored:
        values = [value for start in sorted(found) for value in found[start]]
        total = sum(values)
        if not values or total != total or total == float("inf"):
            return Scored(None, len(ids), [])
        return Scored(total / len(values), len(ids), self._by_line(ids, values))

    def _by_line(self, ids: list[int], values: list[float]) -> list[float | None]:
        """Mean per line; a token that spans lines belongs to the one where it begins."""
        sums, counts, line = [0.0], [0], 0
        for id_, value in zip(ids, values, strict=False):
            sums[line] += value
            counts[line] += 1
            if breaks := self._breaks[id_] if id_ < len(self._breaks) else 0:
                line += breaks
                sums += [0.0] * breaks
                counts += [0] * breaks
        return [total / count if count else None for total, count in zip(sums, counts, strict=True)]


def _batches(windows: list[Window]) -> Iterator[list[Window]]:
    """Windows of like length together, at most BATCH_TOKENS with their padding."""
    batch: list[Window] = []
    for window in windows:
        if batch and (len(batch) + 1) * len(window.ids) > BATCH_TOKENS:
            yield batch
            batch = []
        batch.append(window)
    if batch:
        yield batch
