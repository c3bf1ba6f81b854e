"""The next token of an answer, out of what the model thinks of each."""

import torch
from torch import Tensor

from backend.serve.request import CompletionRequest

GREEDY_BELOW = 0.01


def choose(logits: Tensor, request: CompletionRequest, generator: torch.Generator) -> int:
    """The next token: the likeliest, or drawn by temperature from the fewest that hold `top_p` of the probability."""
    if request.temperature < GREEDY_BELOW:
        return int(logits.argmax())
    shares = torch.softmax(logits / request.temperature, -1)
    if request.top_p < 1:
        ordered, places = shares.sort(descending=True)
        ordered[1:][(ordered.cumsum(-1) - ordered)[1:] >= request.top_p] = 0  # the likeliest stays, at 0 too
        shares = torch.zeros_like(shares).scatter_(0, places, ordered)
    return int(torch.multinomial(shares, 1, generator=generator))
