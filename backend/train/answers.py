"""What a model answers at places in code: greedy completions in batches, and the loss of what was written there."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor

from backend.models.tokenizer import TextTokenizer
from backend.train.fit import at_once
from backend.train.places import LONGEST, Place, counted, similarity
from backend.train.room import give_back

GIVEN_BACK = 8
"""Steps between two times that the memory of shorter caches is given back."""
ELEMENTS = 2**24
"""Logits that exist at once."""


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


def groups(places: Sequence[Place], rows: int) -> Iterator[list[Place]]:
    """Places of one kind and of like length together, so that little is padded, where so many rows of training fit."""
    for kind in LONGEST:
        group: list[Place] = []
        for place in sorted((one for one in places if one.kind == kind), key=lambda place: len(place.prompt)):
            if len(group) == at_once(rows):
                yield group
                group = []
            group.append(place)
        if group:
            yield group


def complete(
    model: Any, places: Sequence[Place], tokenizer: TextTokenizer, pad: int, device: torch.device
) -> list[list[int]]:
    """Greedy answers to places of one kind, up to the end of the line or of the text."""
    ids, mask, positions = _aligned([place.prompt for place in places], pad, device)
    one_line = places[0].kind == "line"
    answers: list[list[int]] = [[] for _ in places]
    ended = [False] * len(places)
    cache = None
    for step in range(LONGEST[places[0].kind]):
        if step % GIVEN_BACK == 0:
            give_back()
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
    most = max(len(place.middle) for place in places) + 1
    together = max(ELEMENTS // (most * int(model.config.vocab_size)), 1)
    found: list[float] = []
    for start in range(0, len(places), together):
        found += _nats(model, places[start : start + together], pad, device)
    return found


def _nats(model: Any, places: Sequence[Place], pad: int, device: torch.device) -> list[float]:
    """All texts end together, so that logits are made for their last tokens alone."""
    ids, mask, positions = _aligned([place.prompt + place.middle for place in places], pad, device)
    most = max(len(place.middle) for place in places) + 1
    asked = {"attention_mask": mask, "position_ids": positions, "use_cache": False, "logits_to_keep": most}
    logits = model(input_ids=ids, **asked).logits[:, -most:-1].float()
    nats = F.cross_entropy(logits.flatten(0, 1), ids[:, 1 - most :].flatten(), reduction="none").view(len(places), -1)
    return [float(line[most - 1 - len(place.middle) :].sum()) for line, place in zip(nats, places, strict=True)]


def _aligned(texts: Sequence[list[int]], pad: int, device: torch.device) -> tuple[Tensor, Tensor, Tensor]:
    """Ids, mask and positions of texts of different length that end at the same column."""
    longest = max(map(len, texts))
    ids = torch.tensor([[pad] * (longest - len(text)) + text for text in texts], device=device)
    mask = torch.tensor([[0] * (longest - len(text)) + [1] * len(text) for text in texts], device=device)
    return ids, mask, (mask.cumsum(1) - 1).clamp(min=0)
