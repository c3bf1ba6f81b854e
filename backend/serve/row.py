"""One request while it is answered: what it has read, what it has said, and what it decodes with."""

from dataclasses import dataclass, field
from functools import cached_property

import torch

from backend.serve.adapters import Chosen
from backend.serve.caches import Cache, packed
from backend.serve.lookup import Lookup
from backend.serve.prompt import Prompt
from backend.serve.request import Adapter, CompletionRequest, TokenLogprob
from backend.serve.text import Writer


@dataclass(eq=False)
class Row:
    """One request in the batch, on the weights that it began with."""

    id: int
    request: CompletionRequest
    prompt: Prompt
    adapter: Adapter | None
    writer: Writer
    arrived: float
    """On the monotonic clock, in seconds."""
    chosen: Chosen | None = None
    """Set as it joins the batch."""
    cache: Cache | None = None
    """Set as it begins to read."""
    cached: int = 0
    """Prompt tokens that an earlier request had read."""
    answer: list[int] = field(default_factory=list)
    lookup: Lookup | None = None
    guessed: int = 0
    """Tokens of the answer that were guessed before."""
    generator: torch.Generator = field(default_factory=torch.Generator)
    unsent: str = ""
    unsent_logprobs: list[TokenLogprob] = field(default_factory=list)
    first_token_ms: float | None = None

    @property
    def tokens(self) -> int:
        """How many it has answered so far."""
        return len(self.answer)

    @property
    def name(self) -> str:
        """Names what it decodes with; empty before it does."""
        return self.chosen.name if self.chosen else ""

    @property
    def unread(self) -> int:
        """Tokens of its prompt that it has still to read."""
        return len(self.prompt.ids) - (self.cache.used if self.cache else 0)

    @property
    def reading(self) -> bool:
        """Whether some of the prompt has not been read."""
        return not self.answer

    @cached_property
    def begins(self) -> bytes:
        """Its prompt, to be compared with others'."""
        return packed(self.prompt.ids)

    def late(self, now: float) -> bool:
        """Whether it has taken longer than it may."""
        return now > self.arrived + self.request.deadline_s
