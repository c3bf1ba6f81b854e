"""How likely a token was, and which were the likeliest, for clients that ask."""

from collections.abc import Callable

import torch
from torch import Tensor

from backend.serve.request import TokenLogprob


def told(logits: Tensor, id_: int, count: int, spell: Callable[[int], str]) -> TokenLogprob:
    """The token `id_` with its logarithm and the `count` likeliest; `spell` gives a token's text."""
    logarithms = torch.log_softmax(logits.float(), -1)
    values, ids = logarithms.topk(min(count, len(logarithms)))
    top = [
        (spell(one), value)
        for one, value in zip(ids.tolist(), values.tolist(), strict=True)
        if value > -torch.inf  # what may not be chosen is not told
    ]
    return TokenLogprob(spell(id_), float(logarithms[id_]), tuple(top))
