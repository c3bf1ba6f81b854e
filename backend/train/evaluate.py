"""Measures a model on held-out files: the test loss, and the completions a developer would have seen."""

from collections.abc import Callable, Iterator, Sequence
from contextlib import nullcontext
from typing import Any

import torch
import torch.nn.functional as F

from backend.models.tokenizer import TextTokenizer
from backend.train.batches import Batch, batch
from backend.train.packing import Row
from backend.train.places import LONGEST_ANSWER, Place, first_line, similarity

TOGETHER = 8
"""Rows in one forward pass."""
AT_ONCE = 25
"""Places completed in one batch."""
Check = Callable[[], None]
"""Raises where the trainer was asked to stop."""


def losses(model: Any, one: Batch) -> torch.Tensor:
    """Sum of weighted nats over a batch."""
    logits = model(input_ids=one.ids, attention_mask=one.mask, position_ids=one.positions, use_cache=False).logits
    nats = F.cross_entropy(logits.flatten(0, 1), one.targets.flatten(), reduction="none")
    return (nats * one.weights.flatten()).sum()


def mean_loss(model: Any, rows: Sequence[Row], pad: int, device: torch.device, check: Check) -> float:
    """Mean nats per token of plain text."""
    model.eval()
    nats, tokens = 0.0, 0.0
    for start in range(0, len(rows), TOGETHER):
        check()
        one = batch(rows[start : start + TOGETHER], pad).to(device)
        with torch.no_grad():
            nats += float(losses(model, one))
        tokens += float(one.weights.sum())
    return nats / max(tokens, 1.0)


def compare(
    model: Any, places: Sequence[Place], tokenizer: TextTokenizer, pad: int, device: torch.device, check: Check
) -> dict[str, Any]:
    """Base and tuned model on the same places: shares of exact answers, mean edit similarity, mean nats per token."""
    base = _measure(model, places, tokenizer, pad, device, check, tuned=False)
    tuned = _measure(model, places, tokenizer, pad, device, check, tuned=True)
    pairs = {name: {"base": base[name], "tuned": tuned[name]} for name in base}
    return {"places": len(places), **pairs}


def _measure(
    model: Any,
    places: Sequence[Place],
    tokenizer: TextTokenizer,
    pad: int,
    device: torch.device,
    check: Check,
    tuned: bool,
) -> dict[str, float]:
    model.eval()
    exact = likeness = nats = 0.0
    tokens = 0
    with torch.no_grad(), nullcontext() if tuned else model.disable_adapter():
        for group in groups(places):
            check()
            for place, ids in zip(group, complete(model, group, tokenizer, pad, device), strict=True):
                answer = first_line(tokenizer.decode(ids))
                exact += answer == place.text
                likeness += similarity(answer, place.text)
            nats += _middle_nats(model, group, pad, device)
            tokens += sum(len(place.middle) for place in group)
    count = max(len(places), 1)
    return {"exact_match": exact / count, "edit_similarity": likeness / count, "middle_loss": nats / max(tokens, 1)}


def groups(places: Sequence[Place]) -> Iterator[list[Place]]:
    """Places of like length together, so that little is padded."""
    ordered = sorted(places, key=lambda place: len(place.prompt))
    for start in range(0, len(ordered), AT_ONCE):
        yield ordered[start : start + AT_ONCE]


def complete(
    model: Any, places: Sequence[Place], tokenizer: TextTokenizer, pad: int, device: torch.device
) -> list[list[int]]:
    """Greedy answers to each place, up to the end of its line."""
    longest = max(len(place.prompt) for place in places)
    ids = torch.tensor([[pad] * (longest - len(place.prompt)) + place.prompt for place in places], device=device)
    mask = torch.tensor(
        [[0] * (longest - len(place.prompt)) + [1] * len(place.prompt) for place in places], device=device
    )
    positions = (mask.cumsum(1) - 1).clamp(min=0)
    answers: list[list[int]] = [[] for _ in places]
    ended = [False] * len(places)
    cache = None
    for _ in range(LONGEST_ANSWER):
        out = model(
            input_ids=ids,
            attention_mask=mask,
            position_ids=positions,
            past_key_values=cache,
            use_cache=True,
            logits_to_keep=1,
        )
        cache = out.past_key_values
        chosen = out.logits[:, -1].argmax(-1)
        for number, id_ in enumerate(chosen.tolist()):
            if not ended[number]:
                ended[number] = id_ == tokenizer.marks.eot or "\n" in tokenizer.decode([id_])
                answers[number].append(id_)
        if all(ended):
            break
        ids = chosen[:, None]
        mask = torch.cat([mask, torch.ones_like(ids)], 1)
        positions = positions[:, -1:] + 1
    return answers


def _middle_nats(model: Any, places: Sequence[Place], pad: int, device: torch.device) -> float:
    """Sum of nats that the model needs for what the developer wrote."""
    longest = max(len(place.prompt) + len(place.middle) for place in places)
    ids = torch.full((len(places), longest), pad)
    counts = torch.zeros((len(places), longest))
    for number, place in enumerate(places):
        start, end = len(place.prompt), len(place.prompt) + len(place.middle)
        ids[number, :end] = torch.tensor(place.prompt + place.middle)
        counts[number, start - 1 : end - 1] = 1.0
    ids, counts = ids.to(device), counts.to(device)
    logits = model(input_ids=ids, use_cache=False).logits
    nats = F.cross_entropy(logits[:, :-1].flatten(0, 1), ids[:, 1:].flatten(), reduction="none")
    return float((nats * counts[:, :-1].flatten()).sum())
