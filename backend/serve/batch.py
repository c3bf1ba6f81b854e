"""The requests that one worker answers together: they join and leave between two steps of the model."""

import logging
import random
import time
from collections import Counter
from collections.abc import Callable, Generator, Iterable, Iterator, Sequence
from itertools import islice

import torch
from torch import Tensor

from backend.errors import Overloaded, RefactError
from backend.serve.adapters import Chosen
from backend.serve.caches import LEAST, Cache, Known, Prefixes, common_length
from backend.serve.caution import Caution, in_words
from backend.serve.choose import choose
from backend.serve.decode import Llama, Piece
from backend.serve.likely import told
from backend.serve.lookup import SPARE, Lookup
from backend.serve.pace import Pace, divided
from backend.serve.queueing import Waiting
from backend.serve.request import Adapter, Delta, FinishReason
from backend.serve.row import Row
from backend.train.room import is_out_of_memory

log = logging.getLogger("refact.worker")
LATE = "The answer did not begin within {:.0f} s: too much was asked at once."

Answer = tuple[int, Delta | RefactError]
Line = tuple[Tensor, int]
"""What the model expects next, and what most of all."""


class Batch:
    """Decodes up to `rows` requests at once, the rest wait; `ends` are the ids of tokens that end an answer."""

    def __init__(
        self,
        model: Llama,
        choose: Callable[[Adapter | None], Chosen],
        ends: Iterable[int],
        rows: int,
        kept_bytes: int,
        guesses: bool = True,
    ) -> None:
        """`choose` says what a request decodes with as it joins; `guesses`: tokens that repeat what came before are
        guessed and checked, which changes no answer."""
        self._model, self._choose, self._ends = model, choose, sorted(set(ends))
        self._end_places = torch.tensor(self._ends, device=model.kind.device)
        self._guesses, self._caution = guesses, Caution(rows, kept_bytes)
        self._waiting, self._pace = Waiting(), Pace()
        self._rows: list[Row] = []
        self._prefixes = Prefixes(model.cache, kept_bytes)

    def add(self, row: Row) -> None:
        """Queue a request; it joins at the next step that has room."""
        seed = row.request.seed
        row.generator.manual_seed(random.getrandbits(62) if seed is None else seed % 2**63)
        self._waiting.add(row)

    def cancel(self, id_: int) -> None:
        """Drop a request at once; one that has ended is no error."""
        for row in [row for row in self._rows if row.id == id_]:
            self._leave(row)
        self._waiting.drop(lambda row: row.id == id_)

    def busy(self) -> bool:
        """Whether there is anything to do."""
        return bool(self._rows or self._waiting)

    def names(self) -> set[str]:
        """Of the checkpoints that are decoded with now."""
        return {row.name for row in self._rows}

    def step(self) -> Iterator[Answer]:
        """One step for every request: each answers a token or more, and some of those that still read read on.

        A request that cannot be answered comes with the error that says why; the others go on. Raises where the model
        computes nothing any more."""
        yield from self._dismiss(time.monotonic())
        yield from self._admit()
        running = len(self._rows)
        reads = yield from self._reads()
        groups: dict[int, list[Row]] = {}
        for row in self._rows:
            if row.chosen and (row in reads or not row.reading):
                groups.setdefault(id(row.chosen.weights), []).append(row)
        began = time.thread_time()
        for rows in groups.values():
            yield from self._advance(rows, reads)
        self._pace.saw(sum(reads.values()), time.thread_time() - began)
        self._caution.stepped(running)
        self._prefixes.hold(self._caution.kept_bytes)

    def _dismiss(self, now: float) -> Iterator[Answer]:
        """End what has taken too long: with what there is, or in words where there is nothing."""
        for row in self._waiting.drop(lambda one: one.late(now)):
            yield row.id, Overloaded(LATE.format(row.request.deadline_s), "Try again in a moment.")
        for row in [row for row in self._rows if row.late(now)]:
            self._leave(row)
            if row.reading:
                yield row.id, Overloaded(LATE.format(row.request.deadline_s), "Try again in a moment.")
            else:
                yield row.id, self._told(row, "length")

    def _admit(self) -> Iterator[Answer]:
        """Let in who waits, as far as there is room, keys taking turns."""
        while self._waiting and len(self._rows) < self._caution.rows:
            row = self._waiting.take(Counter(one.request.key for one in self._rows))
            try:
                row.chosen = self._choose(row.adapter)
            except Exception as error:
                if not isinstance(error, RefactError):
                    self._saw(error)
                yield row.id, in_words(error)
                continue
            self._rows.append(row)
        # Neighbours on the same checkpoint share its projections.
        self._rows.sort(key=lambda row: row.name)

    def _reads(self) -> Generator[Answer, None, dict[Row, int]]:
        """Who reads how many tokens of its prompt in this step; who will find most of it read by another waits."""
        readers: list[Row] = []
        for row in sorted((row for row in self._rows if row.reading), key=lambda row: row.id):
            if row.cache or not any(_alike(row, one) for one in readers):
                try:
                    self._cache(row)
                except Exception as error:
                    yield from self._wait_or_fail(row, error)
                else:
                    readers.append(row)
        given = divided([row.unread for row in readers], self._pace.tokens)
        return {row: tokens for row, tokens in zip(readers, given, strict=True) if tokens}

    def _advance(self, rows: list[Row], reads: dict[Row, int]) -> Iterator[Answer]:
        """One forward pass for rows that share their weights."""
        spare = SPARE // len(rows)
        try:
            pieces = [self._piece(row, reads.get(row, 0), spare) for row in rows]
            assert rows[0].chosen
            logits = self._model.forward(rows[0].chosen.weights, pieces)
            # Asked for all at once, since a GPU stands still while it is asked.
            lines = zip(logits, logits.argmax(-1).tolist(), strict=True)
        except Exception as error:
            yield from self._apart(rows, reads, error)
            return
        for row, piece in zip(rows, pieces, strict=True):
            mine = list(islice(lines, piece.wanted))
            try:
                if not row.unread or not row.reading:
                    yield from self._answers(row, piece, mine)
            except Exception as error:
                yield from self._fail(row, error)

    def _answers(self, row: Row, piece: Piece, lines: Sequence[Line]) -> Iterator[Answer]:
        for delta in self._follow(row, piece, lines):
            if delta.finish_reason:
                self._leave(row)
            if delta.finish_reason or delta.text:
                yield row.id, delta

    def _apart(self, rows: list[Row], reads: dict[Row, int], error: Exception) -> Iterator[Answer]:
        """After a pass that went wrong each row by itself, so that only those at which it goes wrong are lost.

        Nothing has joined their caches. Raises where the model fails at anything."""
        if len(rows) == 1:
            yield from self._fail(rows[0], error)
            return
        self._saw(error)
        for row in rows:
            yield from self._advance([row], reads)

    def _fail(self, row: Row, error: Exception) -> Iterator[Answer]:
        """Take out a row at which a step went wrong. What it has read is not kept: that may be what is wrong."""
        if row in self._rows:
            self._rows.remove(row)
        row.cache = None
        log.error("a request of %d tokens failed, %d more", len(row.prompt.ids), row.tokens)
        self._saw(error)
        yield row.id, in_words(error)

    def _wait_or_fail(self, row: Row, error: Exception) -> Iterator[Answer]:
        """A row that has no cache: where memory is all that it lacks, it waits until others have given theirs back."""
        more = len(self._rows) > 1 or self._prefixes.bytes
        if not more or not is_out_of_memory(error):
            yield from self._fail(row, error)
            return
        self._saw(error)
        self._rows.remove(row)
        row.chosen = None
        self._waiting.put_back(row)

    def _saw(self, error: Exception) -> None:
        """Be more careful after an error. Raises it, or another one, where the model computes nothing any more."""
        self._caution.saw(error)
        log.error("a step went wrong: %s", error, exc_info=error)
        if is_out_of_memory(error):
            self._prefixes.hold(0)
            return
        one = self._ends[:1]
        self._model.forward(self._choose(None).weights, [Piece(self._prefixes.take("no checkpoint's", one, 1), one)])

    def _piece(self, row: Row, tokens: int, spare: int) -> Piece:
        """What a row reads in this step: more of its prompt, or its newest token and a guess of the next ones."""
        cache, change = self._cache(row), row.chosen.change if row.chosen else None
        if row.reading:
            return Piece(cache, row.prompt.ids[cache.used :][:tokens], int(tokens == row.unread), change)
        ids = row.answer[-1:]
        if self._guesses:
            row.lookup = row.lookup or Lookup(row.prompt.ids + row.answer)
            ids += row.lookup.guess(min(spare, row.prompt.max_tokens - row.tokens - 1))
        return Piece(cache, ids, len(ids), change)

    def _follow(self, row: Row, piece: Piece, lines: Sequence[Line]) -> Iterator[Delta]:
        """The tokens that the row chooses: one, and one more for each token of the guess that was right."""
        guess = [] if row.reading else piece.ids[1:]
        right = 0
        for line in lines:
            delta = self._take(row, *line)
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
            busy = [Known(one.name, one.begins, one.cache) for one in self._rows if one.cache]
            row.cache = self._prefixes.take(row.name, row.prompt.ids, length, busy)
            row.cached = row.cache.used
        return row.cache

    def _leave(self, row: Row) -> None:
        """Take a row out; what it has read is kept for the next one that begins like it."""
        self._rows.remove(row)
        if row.cache:
            self._prefixes.keep(row.name, row.prompt.ids + row.answer, row.cache)

    def _take(self, row: Row, logits: Tensor, likeliest: int | None) -> Delta:
        """Choose the row's next token and turn it into what may be shown."""
        if row.tokens == 0:
            # An answer of nothing helps nobody: the first token is never the end.
            logits, likeliest = logits.index_fill(0, self._end_places, -torch.inf), None
            row.first_token_ms = (time.monotonic() - row.arrived) * 1000
        id_ = choose(logits, row.request, row.generator, likeliest)
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
        return self._told(row, ended)

    def _told(self, row: Row, ended: FinishReason | None) -> Delta:
        """What may be shown of the answer since the last time."""
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
            checkpoint=row.adapter.checkpoint if row.adapter else None,
            prompt_tokens=len(row.prompt.ids),
            cut=row.prompt.cut,
            cached_tokens=row.cached,
            guessed_tokens=row.guessed,
            first_token_ms=row.first_token_ms if ended else None,
            stop_text=row.writer.stop_text,
            logprobs=tuple(logprobs),
        )


def _alike(row: Row, other: Row) -> bool:
    """Whether two prompts begin alike for so long that one had better be copied than read twice."""
    common = common_length(row.begins, other.begins) if row.name == other.name else 0
    return common >= LEAST and 2 * common >= len(row.prompt.ids)
