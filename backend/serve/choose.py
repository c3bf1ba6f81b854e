"""The next token of an answer, out of what the model thinks of each."""

import torch
from torch import Tensor

from backend.serve.request import CompletionRequest

GREEDY_BELOW = 0.01
FEW = 512
"""As many of the likeliest tokens nearly always hold `top_p`; the whole vocabulary is put in order only where not."""


def choose(logits: Tensor, request: CompletionRequest, generator: torch.Generator, likeliest: int | None = None) -> int:
    """The next token: the likeliest, or drawn by temperature from the fewest that hold `top_p` of the probability.

    One number is drawn, on the CPU wherever `logits` lie; `likeliest` is their largest one's place, where known."""
    if request.temperature < GREEDY_BELOW:
        return int(logits.argmax()) if likeliest is None else likeliest
    shares, places = torch.softmax(logits.double() / request.temperature, -1), None
    if request.top_p < 1:
        every, (shares, places) = shares, shares.topk(min(FEW, len(shares)))
        if float(shares.sum()) < request.top_p:
            shares, places = every.sort(descending=True)
    sums = shares.cumsum(-1)
    if request.top_p < 1:
        kept = int((sums - shares < request.top_p).sum())
        sums = sums[: max(kept, 1)]  # the likeliest stays, at 0 too
    drawn = torch.rand((), generator=generator, dtype=torch.float64).to(sums.device) * sums[-1]
    place = torch.searchsorted(sums, drawn, right=True).clamp(max=len(sums) - 1)
    return int(place if places is None else places[place])
