"""What a model answers at places in code: greedy completions in batches, and the loss of what was written there."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import torch
import torch.nn.functional as F

from backend.models.tokenizer import TextTokenizer
from backend.train.places import LONGEST, Place, counted, similarity

AT_ONCE = 25
"""Places completed in one batch."""


@dataclass(frozen=True)
class Judged:
    """One place answered: exact or not, edit similarity from 0 to 1, and nats over the tokens that were wanted."""

    exact: bool
    similarity: float
    nats: float


def judge(model: Any, group: Sequence[Place], tokenizer: TextTokenizer, pad: int, device: torch.device) -> list[Judged]:
    """Each place of one group completed and scored, in their order."""
    nats = middle_nats(model, group, pad, device)
    judged = []
    for place, ids, loss in zip(group, complete(model, group, tokenizer, pad, device), nats, strict=True):
        answer, wanted = counted(place.kind, tokenizer.decode(ids)), place.text.rstrip()
        judged.append(Judged(answer == wanted, similarity(answer, wanted), loss))
    return judged


def groups(places: Sequence[Place]) -> Iterator[list[Place]]:
    """Places of one kind and of like length together, so that little is padded."""
    for kind in LONGEST:
        ordered = sorted((one for one in places if one.kind == kind), key=lambda place: len(place.prompt))
        for start in range(0, len(ordered), AT_ONCE):
            yield ordered[start : start + AT_ONCE]


def complete(
    model: Any, places: Sequence[Place], tokenizer: TextTokenizer, pad: int, device: torch.device
) -> list[list[int]]:
    """Greedy answers to places of one kind, up to the end of the line or of the text."""
    longest = max(len(place.prompt) for place in places)
    ids = torch.tensor([[pad] * (longest - len(place.prompt)) + place.prompt for place in places], device=device)
    mask = torch.tensor(
        [[0] * (longest - len(place.prompt)) + [1] * len(place.prompt) for place in places], device=device
    )
    positions = (mask.cumsum(1) - 1).clamp(min=0)
    one_line = places[0].kind == "line"
    answers: list[list[int]] = [[] for _ in places]
    ended = [False] * len(places)
    cache = None
    for _ in range(LONGEST[places[0].kind]):
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
                ended[number] = id_ in tokenizer.marks.ends or (one_line and "\n" in tokenizer.decode([id_]))
                answers[number].append(id_)
        if all(ended):
            break
        ids = chosen[:, None]
        mask = torch.cat([mask, torch.ones_like(ids)], 1)
        positions = positions[:, -1:] + 1
    return answers


def middle_nats(model: Any, places: Sequence[Place], pad: int, device: torch.device) -> list[float]:
    """Sum of nats that the model needs for what the developer wrote, at each place."""
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
    summed: list[float] = (nats.view(len(places), -1) * counts[:, :-1]).sum(1).tolist()
    return summed
