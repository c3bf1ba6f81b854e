"""What a hosted model answers equals transformers' generate(), however it was computed: with others or alone, on what
was read before or not, guessed or not, on the base or any checkpoint, in one process or two."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import torch
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from backend.models.catalog import ModelInfo, starter
from backend.models.tokenizer import load_tokenizer
from backend.serve.holding import hold
from backend.serve.request import Adapter, CompletionRequest
from tests.models.conftest import described
from tests.models.tiny_families import BY_FAMILY
from tests.models.tiny_tokenizers import corpus
from tests.serve.bench import Bench, placed

HOSTED = ("starter", "codellama", "deepseek-coder", "qwen2.5-coder", "granite-code", "codestral", "llama3")
TOKENS, ADAPTERS, ROWS = 16, 2, 4
ENDS = (40, 151, 90, 300)
pytestmark = [
    pytest.mark.filterwarnings("ignore::FutureWarning", "ignore::UserWarning"),
    pytest.mark.slow,
]


class Known:
    """One family's model, and what transformers and peft answer on it."""

    def __init__(self, info: ModelInfo, folder: Path) -> None:
        self.info, self._tokenizer = info, load_tokenizer(info)
        places = [(text[:end], text[end + 20 : end + 120]) for text, end in zip(corpus(), ENDS, strict=False)]
        # One that begins like another and one that repeats itself: kept caches and guesses have something to do.
        places += [(places[3][0] + "\n    if", places[3][1]), ("value = value + 1\n" * 6, "")]
        self.asks = [
            CompletionRequest(prompt=before, suffix=after, temperature=0, max_tokens=TOKENS) for before, after in places
        ]
        self.adapters: list[Adapter | None] = [None]
        self._models = [self._load()]
        for number in range(ADAPTERS):
            self.adapters.append(Adapter(checkpoint=f"run:{number}", path=str(folder / str(number))))
            self._models.append(self._tuned(folder / str(number), number))
        self.spread = hold(info, placed(info, 2))
        """The model with its layers in two processes."""
        self._answers: dict[tuple[int, tuple[int, ...]], list[int]] = {}

    def _load(self) -> Any:
        from transformers import AutoModelForCausalLM

        return AutoModelForCausalLM.from_pretrained(self.info.path, dtype=torch.float32, local_files_only=True).eval()

    def _tuned(self, path: Path, seed: int) -> Any:
        from peft import LoraConfig, get_peft_model

        torch.manual_seed(seed)
        config = LoraConfig(r=4, lora_alpha=8, target_modules="all-linear", init_lora_weights=False)
        tuned = get_peft_model(self._load(), config)
        tuned.save_pretrained(path)
        return tuned.eval()

    def answer(self, adapter: int, prompt: list[int]) -> list[int]:
        """Greedy by transformers, without what ends it."""
        ends = list(self._tokenizer.marks.ends)
        if (adapter, tuple(prompt)) not in self._answers:
            ids = torch.tensor([prompt])
            with torch.inference_mode():
                found = (
                    self._models[adapter]
                    .generate(
                        input_ids=ids,
                        attention_mask=torch.ones_like(ids),
                        do_sample=False,
                        max_new_tokens=TOKENS,
                        eos_token_id=ends,
                        begin_suppress_tokens=ends,
                        pad_token_id=ends[0],
                    )[0, len(prompt) :]
                    .tolist()
                )
            self._answers[adapter, tuple(prompt)] = [id_ for id_ in found if id_ not in ends]
        return self._answers[adapter, tuple(prompt)]


@pytest.fixture(scope="module", params=HOSTED)
def known(
    request: pytest.FixtureRequest, folders: dict[str, Path], tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Known]:
    torch.set_num_threads(1)
    info = starter() if request.param == "starter" else described(BY_FAMILY[request.param], folders)
    known = Known(info, tmp_path_factory.mktemp(request.param))
    yield known
    known.spread.model.close()


ASKS = st.lists(st.tuples(st.integers(0, ADAPTERS), st.integers(0, 5), st.integers(0, 3)), min_size=1, max_size=8)


@settings(max_examples=12, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    asks=ASKS,
    rows=st.sampled_from([1, ROWS]),
    kept=st.sampled_from([0, 2**28]),
    guesses=st.booleans(),
    copied=st.sets(st.integers(1, ADAPTERS)),
    spread=st.booleans(),
)
def test_every_way_gives_the_tokens_of_generate(
    known: Known, asks: list[tuple[int, int, int]], rows: int, kept: int, guesses: bool, copied: set[int], spread: bool
) -> None:
    held = known.spread if spread else None
    bench = Bench(known.info, load_tokenizer(known.info), kept, rows, guesses, held)
    for number, (adapter, ask, later) in enumerate(asks):
        bench.add(number, known.asks[ask], known.adapters[adapter])
        for _ in range(later):
            list(bench.batch.step())
        if number + 1 in copied and (switched := known.adapters[number + 1]):
            bench.adapters.install(switched, bench.adapters.copy(switched), bench.batch.names())
    bench.drain()
    for number, (adapter, _, _) in enumerate(asks):
        row = bench.rows[number]
        assert row.answer == known.answer(adapter, row.prompt.ids)


def test_the_checkpoints_answer_differently(known: Known) -> None:
    prompt = Bench(known.info, load_tokenizer(known.info))
    prompt.answer(known.asks[3])
    ids = prompt.rows[0].prompt.ids
    assert len({tuple(known.answer(adapter, ids)) for adapter in range(ADAPTERS + 1)}) == ADAPTERS + 1
