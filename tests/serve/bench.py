"""A batch over a small model, driven by hand."""

import time

from backend.models.catalog import ModelInfo
from backend.models.tokenizer import TextTokenizer
from backend.serve.batch import Batch
from backend.serve.holding import Held, hold
from backend.serve.placement import Placed
from backend.serve.prompt import lay_out
from backend.serve.request import Adapter, CompletionRequest, Delta
from backend.serve.row import Row
from backend.serve.text import Writer

ROWS = 8


def placed(info: ModelInfo, processes: int = 1, quantisation: str = "none") -> Placed:
    """On the CPU, in so many processes."""
    return Placed(["cpu"] * processes, "fp32", info.context, None, 1, quantisation)


class Bench:
    """A batch, and rows for it."""

    def __init__(
        self,
        info: ModelInfo,
        tokenizer: TextTokenizer,
        kept_bytes: int = 2**26,
        rows: int = ROWS,
        guesses: bool = True,
        held: Held | None = None,
    ) -> None:
        self.info, self.tokenizer = info, tokenizer
        held = held or hold(info, placed(info))
        self.adapters = held.adapters
        self.batch = Batch(held.model, self.adapters.get, tokenizer.marks.ends, rows, kept_bytes, guesses)
        self.rows: dict[int, Row] = {}

    def add(self, id_: int, request: CompletionRequest, adapter: Adapter | None = None) -> None:
        prompt = lay_out(self.info, self.tokenizer, request)
        writer = Writer(self.tokenizer.decode, request.stop)
        self.rows[id_] = Row(id_, request, prompt, adapter, writer, time.monotonic())
        self.batch.add(self.rows[id_])

    def drain(self) -> dict[int, list[Delta]]:
        found: dict[int, list[Delta]] = {}
        while self.batch.busy():
            for id_, delta in self.batch.step():
                assert isinstance(delta, Delta), delta
                found.setdefault(id_, []).append(delta)
        return found

    def answer(self, request: CompletionRequest, adapter: Adapter | None = None) -> Delta:
        """The last piece of one request, by itself."""
        self.add(0, request, adapter)
        return self.drain()[0][-1]


def request(prompt: str, tokens: int = 8, **more: object) -> CompletionRequest:
    """Greedy unless it says otherwise."""
    return CompletionRequest(prompt=prompt, max_tokens=tokens, **{"temperature": 0.0, **more})  # type: ignore[arg-type]
