"""What is asked for and how it is answered, counted per day, model, checkpoint and key, and kept across engines.

Counting happens in memory; what has changed is written every few seconds and at the end. No text is kept."""

import asyncio
import time
from collections.abc import Iterable
from datetime import UTC, datetime, timedelta
from types import TracebackType
from typing import NamedTuple

from backend import wire
from backend.context import Context
from backend.errors import BadRequest, Overloaded, RefactError
from backend.serve.histogram import Histogram
from backend.serve.recent import Recent
from backend.serve.request import Adapter, CompletionRequest, Delta
from backend.serve.tally import COUNTS, Tally

LONGEST_DAYS = 3650
COLUMNS = ("day", "model", "checkpoint", "key", *COUNTS, "first_token_ms", "total_ms")
WRITE = f"INSERT OR REPLACE INTO requests({', '.join(COLUMNS)}) VALUES ({', '.join('?' * len(COLUMNS))})"

TUNED = "SELECT 1 FROM requests WHERE checkpoint != '' AND completion_tokens > 0 LIMIT 1"


class Where(NamedTuple):
    """What a tally is of; an empty checkpoint is the base model, an empty key is none."""

    day: str
    model: str
    checkpoint: str
    key: str


class Statistics:
    """The tallies of today, and of this engine's life."""

    def __init__(self, ctx: Context) -> None:
        self._ctx = ctx
        self._tallies: dict[Where, Tally] = {}
        self._changed: set[Where] = set()
        self._writing = asyncio.Lock()
        self.lived: dict[tuple[str, str, str], Tally] = {}
        """Since this engine's start, by model, checkpoint and key."""
        self.recent = Recent(ctx.bus)

    async def restore(self) -> None:
        """Go on with what was counted today; whether a checkpoint answered is asked of all days."""
        for row in await self._ctx.db.fetch_all("SELECT * FROM requests WHERE day = ?", (today(),)):
            self._tallies[Where(row["day"], row["model"], row["checkpoint"], row["key"])] = _tally(dict(row))
        tuned = await self._ctx.db.fetch_one(TUNED)
        self.recent.fresh = tuned is None

    def watch(self, request: CompletionRequest, model: str, adapter: Adapter | None) -> "Watch":
        """Count one request, from here to the end of the context."""
        return Watch(self, request, model, adapter)

    def count(self, model: str, checkpoint: str | None, key: str, **more: int) -> list[Tally]:
        """Add to what is kept of these; the tallies, for times to be added."""
        where = Where(today(), model, checkpoint or "", key)
        self._changed.add(where)
        found = [self._tallies.setdefault(where, Tally()), self.lived.setdefault(where[1:], Tally())]
        for tally in found:
            tally.add(**more)
        return found

    def turned_away(self, key: str) -> None:
        """Count a request that the gate refused, before anybody knew which model it was for."""
        self.count("", None, key, requests=1, refused=1)
        self.recent.add(
            key=key,
            model="",
            checkpoint=None,
            outcome="refused",
            prompt_tokens=0,
            tokens=0,
            first_token_ms=None,
            total_ms=0.0,
        )

    def acceptance(self, model: str) -> float | None:
        """The share of a model's answers that editors showed today and that were taken, 0..1."""
        together, day = Tally(), today()
        for where, tally in self._tallies.items():
            if where.model == model and where.day == day:
                together.add(shown=tally.shown, taken=tally.taken)
        return together.acceptance

    async def flush(self) -> None:
        """Write what has changed, and forget the days before today. Raises sqlite3.Error, and then it is kept."""
        async with self._writing:
            changed, self._changed = self._changed, set()
            try:
                if changed:
                    await self._ctx.db.execute_many(WRITE, [self._row(where) for where in changed])
            except BaseException:
                self._changed |= changed
                raise
        day = today()
        for where in [where for where in self._tallies if where.day != day and where not in self._changed]:
            del self._tallies[where]

    async def report(self, days: int) -> wire.Stats:
        """The last days, today among them. Raises BadRequest for a number of days that is none."""
        if not 1 <= days <= LONGEST_DAYS:
            raise BadRequest(f"{days} days cannot be told of.", f"Ask for 1 to {LONGEST_DAYS}.")
        await self.flush()
        since = (datetime.now(UTC) - timedelta(days=days - 1)).date().isoformat()
        rows = await self._ctx.db.fetch_all("SELECT * FROM requests WHERE day >= ? ORDER BY day", (since,))
        tallies = [(dict(row), _tally(dict(row))) for row in rows]
        points = _together(((row["model"], row["checkpoint"]), tally) for row, tally in tallies if row["model"])
        keys = _together(((row["key"],), tally) for row, tally in tallies)
        return wire.Stats(
            days=days,
            since=since,
            total=_together(((), tally) for _, tally in tallies).get((), Tally()).told(),
            checkpoints=[tally.told(model, checkpoint or None) for (model, checkpoint), tally in points.items()],
            keys=[tally.told(key=key) for (key,), tally in keys.items()],
        )

    def _row(self, where: Where) -> list[str | int]:
        tally = self._tallies[where]
        counts = [getattr(tally, name) for name in COUNTS]
        return [*where, *counts, tally.first_token.encode(), tally.total.encode()]


class Watch:
    """One request while it is answered."""

    def __init__(self, to: Statistics, request: CompletionRequest, model: str, adapter: Adapter | None) -> None:
        self._to, self._request, self._model = to, request, model
        self._checkpoint = adapter.checkpoint if adapter else None
        self._began = time.perf_counter()
        self._first_ms: float | None = None
        self._last: Delta | None = None

    def __enter__(self) -> "Watch":
        return self

    def piece(self, delta: Delta) -> None:
        """The next piece has come."""
        if self._first_ms is None:
            # An answer that is not streamed comes at once at its end: only the worker knows when it began.
            self._first_ms = self._since() if self._request.stream else delta.first_token_ms
        self._last = delta

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        last, total_ms = self._last, self._since()
        done = last is not None and last.finish_reason is not None
        outcome: wire.Outcome = "done" if done else "cancelled"
        if not done and isinstance(error, RefactError):
            outcome = "refused" if isinstance(error, Overloaded) else "failed"
        prompt, cached, tokens = (last.prompt_tokens, last.cached_tokens, last.tokens) if last else (0, 0, 0)
        counted = {"requests": 1, "prompt_tokens": prompt, "cached_tokens": cached, "completion_tokens": tokens}
        if outcome != "done":
            counted[outcome] = 1
        for tally in self._to.count(self._model, self._checkpoint, self._request.key, **counted):
            if self._first_ms is not None:
                tally.first_token.add(self._first_ms)
            if done:
                tally.total.add(total_ms)
        self._to.recent.add(
            key=self._request.key,
            model=self._model,
            checkpoint=self._checkpoint,
            outcome=outcome,
            prompt_tokens=prompt,
            tokens=tokens,
            first_token_ms=None if self._first_ms is None else round(self._first_ms, 1),
            total_ms=round(total_ms, 1),
        )

    def _since(self) -> float:
        return (time.perf_counter() - self._began) * 1000


def today() -> str:
    """The day, in UTC."""
    return datetime.now(UTC).date().isoformat()


def _tally(row: dict[str, str | int]) -> Tally:
    counts = {name: int(row[name]) for name in COUNTS}
    first, total = (Histogram.decode(str(row[name])) for name in ("first_token_ms", "total_ms"))
    return Tally(**counts, first_token=first, total=total)


def _together(tallies: Iterable[tuple[tuple[str, ...], Tally]]) -> dict[tuple[str, ...], Tally]:
    sums: dict[tuple[str, ...], Tally] = {}
    for of, tally in tallies:
        sums.setdefault(of, Tally()).merge(tally)
    return sums
