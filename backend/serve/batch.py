"""The requests that one worker answers together: they join and leave between two steps of the model."""

import random
import time
from collections import deque
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field

import torch
from torch import Tensor

from backend.serve.caches import Cache, Known, Prefixes, packed
from backend.serve.decode import Llama, Piece, Weights
from backend.serve.likely import told
from backend.serve.lookup import SPARE, Lookup
from backend.serve.prompt import Prompt
from backend.serve.request import CompletionRequest, Delta, FinishReason, TokenLogprob
from backend.serve.text import Writer

CHUNK = 256
"""Prompt tokens read in one step, so that nobody waits long behind a long prompt."""
GREEDY_BELOW = 0.01


@dataclass(eq=False)
class Row:
    """One request in the batch, on the weights that it began with."""

    id: int
    request: CompletionRequest
    prompt: Prompt
    weights: Weights
    checkpoint: str | None
    writer: Writer
    arrived: float
    computes: str = ""
    """Name of the weights: caches of other requests on the same ones are of use."""
    cache: Cache | None = None
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
        return len(self.answer)

    def reading(self) -> bool:
        """Whether some of the prompt has not been read."""
        return not self.answer


class Batch:
    """Decodes up to `rows` requests at once, the rest wait; `ends` are the ids of tokens that end an answer."""

    def __init__(self, model: Llama, ends: Iterable[int], rows: int, kept_bytes: int, guesses: bool = True) -> None:
        """`guesses`: tokens that repeat what came before are guessed and checked; that changes no answer."""
        self._model, self._ends = model, sorted(set(ends))
        self._end_places = torch.tensor(self._ends)
        self._waiting: deque[Row] = deque()
        self._rows: list[Row] = []
        self._most, self._guesses = rows, guesses
        self._prefixes = Prefixes(model.shape, kept_bytes)

    def add(self, row: Row) -> None:
        """Queue a request; it joins at the next step that has room."""
        seed = row.request.seed
        row.generator.manual_seed(random.getrandbits(62) if seed is None else seed % 2**63)
        self._waiting.append(row)

    def cancel(self, id_: int) -> None:
        """Drop a request at once; one that has ended is no error."""
        for row in [row for row in self._rows if row.id == id_]:
            self._leave(row)
        self._waiting = deque(row for row in self._waiting if row.id != id_)

    def busy(self) -> bool:
        """Whether there is anything to do."""
        return bool(self._rows or self._waiting)

    def step(self) -> Iterator[tuple[int, Delta]]:
        """One step for every request: each answers one token more, and one of those that still read reads on."""
        while self._waiting and len(self._rows) < self._most:
            self._rows.append(self._waiting.popleft())
        reader = next((row for row in self._rows if row.reading()), None)
        groups: dict[int, list[Row]] = {}
        for row in self._rows:
            if row is reader or not row.reading():
                groups.setdefault(id(row.weights), []).append(row)
        for rows in groups.values():
            yield from self._advance(rows)

    def _advance(self, rows: list[Row]) -> Iterator[tuple[int, Delta]]:
        """One forward pass for rows that share their weights."""
        spare = SPARE // len(rows)
        pieces = [self._piece(row, spare) for row in rows]
        logits = self._model.forward(rows[0].weights, pieces).split([piece.wanted for piece in pieces])
        for row, piece, lines in zip(rows, pieces, logits, strict=True):
            if piece.cache.used >= len(row.prompt.ids):
                for delta in self._follow(row, piece, lines):
                    if delta.finish_reason:
                        self._leave(row)
                    if delta.finish_reason or delta.text:
                        yield row.id, delta

    def _piece(self, row: Row, spare: int) -> Piece:
        """What a row reads in the next step: more of its prompt, or its newest token and a guess of the next ones."""
        cache = self._cache(row)
        if row.reading():
            return Piece(cache, row.prompt.ids[cache.used : cache.used + CHUNK])
        if not self._guesses:
            return Piece(cache, row.answer[-1:])
        if row.lookup is None:
            row.lookup = Lookup(row.prompt.ids + row.answer)
        ids = row.answer[-1:] + row.lookup.guess(min(spare, row.prompt.max_tokens - row.tokens - 1))
        return Piece(cache, ids, len(ids))

    def _follow(self, row: Row, piece: Piece, lines: Tensor) -> Iterator[Delta]:
        """The tokens that the row chooses: one, and one more for each token of the guess that was right."""
        guess = piece.ids[1:] if row.answer else []
        right = 0
        for line in lines:
            delta = self._take(row, line)
            if delta.finish_reason or right == len(guess) or row.answer[-1] != guess[right]:
                break
            right += 1
            row.guessed += 1
            yield delta
        # What was read of a wrong guess is read over.
        piece.cache.used -= len(guess) - right
        if row.lookup and guess:
            row.lookup.judge(len(guess), right)
        yield delta

    def _cache(self, row: Row) -> Cache:
        """The row's own cache; looked for only now that it reads, since the one before it may just have ended."""
        if row.cache is None:
            length = len(row.prompt.ids) + row.prompt.max_tokens
            busy = [Known(one.computes, packed(one.prompt.ids), one.cache) for one in self._rows if one.cache]
            row.cache = self._prefixes.take(row.computes, row.prompt.ids, length, busy)
            row.cached = row.cache.used
        return row.cache

    def _leave(self, row: Row) -> None:
        """Take a row out; what it has read is kept for the next one that begins like it."""
        self._rows.remove(row)
        if row.cache:
            self._prefixes.keep(row.computes, row.prompt.ids + row.answer, row.cache)

    def _take(self, row: Row, logits: Tensor) -> Delta:
        """Choose the row's next token and turn it into what may be shown."""
        if row.tokens == 0:
            # An answer of nothing helps nobody: the first token is never the end.
            logits = logits.index_fill(0, self._end_places, -torch.inf)
            row.first_token_ms = (time.monotonic() - row.arrived) * 1000
        id_ = choose(logits, row.request, row.generator)
        ended: FinishReason | None = "stop" if id_ in self._ends else None
        if not ended:
            row.answer.append(id_)
            if row.lookup:
                row.lookup.add(id_)
            row.unsent += row.writer.feed(id_)
            if row.request.logprobs is not None:
                row.unsent_logprobs.append(told(logits, id_, row.request.logprobs, row.writer.spell))
            if row.writer.stopped:
                ended = "stop"
            elif row.tokens >= row.prompt.max_tokens:
                ended = "length"
        if ended:
            row.unsent += row.writer.finish()
        if ended == "length" and row.writer.stopped:
            ended = "stop"
        text, logprobs = "", []
        if ended or (row.request.stream and row.unsent):
            text, row.unsent = row.unsent, ""
            logprobs, row.unsent_logprobs = row.unsent_logprobs, []
        return Delta(
            text=text,
            tokens=row.tokens,
            finish_reason=ended,
            checkpoint=row.checkpoint,
            prompt_tokens=len(row.prompt.ids),
            cached_tokens=row.cached,
            guessed_tokens=row.guessed,
            first_token_ms=row.first_token_ms if ended else None,
            stop_text=row.writer.stop_text,
            logprobs=tuple(logprobs),
        )


def choose(logits: Tensor, request: CompletionRequest, generator: torch.Generator) -> int:
    """The next token: the likeliest, or drawn by temperature from the fewest that hold `top_p` of the probability."""
    if request.temperature < GREEDY_BELOW or request.top_p <= 0:
        return int(logits.argmax())
    shares = torch.softmax(logits / request.temperature, -1)
    if request.top_p < 1:
        ordered, places = shares.sort(descending=True)
        ordered[1:][(ordered.cumsum(-1) - ordered)[1:] >= request.top_p] = 0  # the likeliest stays, at 0 too
        shares = torch.zeros_like(shares).scatter_(0, places, ordered)
    return int(torch.multinomial(shares, 1, generator=generator))
