"""Steps that are played by heart answer as those that are not; without a GPU they are computed in place of recorded."""

from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from backend.models.catalog import ModelInfo
from backend.models.tokenizer import TextTokenizer
from backend.serve.adapters import Adapters
from backend.serve.graphs import SIZES, Graphs
from backend.serve.holding import Held
from backend.serve.kind import PLAIN
from backend.serve.llama import read_shape
from backend.serve.request import Adapter
from backend.serve.slots import Slots, Slotted
from backend.serve.weights import read_weights
from tests.serve.bench import Bench, request
from tests.serve.serving_box import write_adapter

PROMPTS = ("def add(a, b):\n    return", "x = 1\n" * 60, "import json\n\n\nclass Engine:\n    def", "for line in")


class Counted(Graphs):
    """Knows how many steps were played."""

    played = 0

    def _fixed(self, *arguments):  # type: ignore[no-untyped-def]
        self.played += 1
        return super()._fixed(*arguments)


def by_heart(info: ModelInfo, caches: int = 12) -> Held:
    shape = read_shape(info.path)
    base = read_weights(info.path, shape)
    return Held(Counted(shape, PLAIN, caches), base, Adapters(base, shape), 8, 2**26)


@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    asks=st.lists(
        st.tuples(st.sampled_from(PROMPTS), st.integers(0, 2), st.integers(1, 24), st.sampled_from((0.0, 0.8))),
        min_size=1,
        max_size=9,
    ),
    copied=st.booleans(),
    guesses=st.booleans(),
    caches=st.sampled_from((2, 12)),
)
def test_what_is_played_is_what_would_be_computed(
    tiny: ModelInfo,
    tokenizer: TextTokenizer,
    tmp_path: Path,
    asks: list[tuple[str, int, int, float]],
    copied: bool,
    guesses: bool,
    caches: int,
) -> None:
    adapters: list[Adapter | None] = [None]
    for seed in (1, 2):
        path = tmp_path / str(seed)
        path = path if path.exists() else write_adapter(path, tiny, seed)
        adapters.append(Adapter(checkpoint=f"run:{seed}", path=str(path)))
    bench, plain = Bench(tiny, tokenizer, guesses=guesses, held=by_heart(tiny, caches)), Bench(tiny, tokenizer)
    if copied and adapters[1]:
        bench.adapters.install(adapters[1], bench.adapters.copy(adapters[1]), bench.batch.names())
    for number, (prompt, adapter, tokens, heat) in enumerate(asks):
        bench.add(number, request(prompt, tokens, temperature=heat, seed=number), adapters[adapter])
    found = bench.drain()
    for number, (prompt, adapter, tokens, heat) in enumerate(asks):
        alone = plain.answer(request(prompt, tokens, temperature=heat, seed=number), adapters[adapter])
        assert found[number][-1].text == alone.text


def test_long_answers_are_played_and_what_is_long_or_rare_is_not(tiny: ModelInfo, tokenizer: TextTokenizer) -> None:
    held = by_heart(tiny)
    assert isinstance(held.model, Counted)
    bench = Bench(tiny, tokenizer, guesses=False, held=held)
    bench.answer(request(PROMPTS[0], 2))
    assert held.model.played == 0
    bench.answer(request(PROMPTS[0], 60))
    assert 40 < held.model.played <= 60
    before = held.model.played
    bench.answer(request("word " * (SIZES[-1] + 20), 1))
    assert held.model.played == before


def test_a_slot_is_free_again_when_its_cache_is_gone(tiny: ModelInfo) -> None:
    slots = Slots(read_shape(tiny.path), PLAIN, 2)
    first, second = slots.cache(10), slots.cache(300)
    assert isinstance(first, Slotted) and isinstance(second, Slotted)
    assert {first.slot, second.slot, slots.nobody} == {0, 1, 2} and first.length == second.length == slots.length
    assert not isinstance(slots.cache(10), Slotted)
    slot = first.slot
    del first
    again = slots.cache(10)
    assert isinstance(again, Slotted) and again.slot == slot


@pytest.mark.parametrize("tokens", [600])
def test_what_no_slot_holds_lies_elsewhere(tiny: ModelInfo, tokens: int) -> None:
    cache = Slots(read_shape(tiny.path), PLAIN, 2).cache(tokens)
    assert not isinstance(cache, Slotted) and cache.length == tokens
