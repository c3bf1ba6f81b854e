"""What an ended request has read is used again, and changes no answer."""

from itertools import pairwise
from pathlib import Path

from hypothesis import given, settings
from hypothesis import strategies as st

from backend.models.catalog import ModelInfo
from backend.models.tokenizer import TextTokenizer
from backend.serve.caches import KEPT, LEAST, ROWS, Cache, Prefixes, afforded, common_length, packed
from backend.serve.decode import Llama
from backend.serve.llama import read_shape
from backend.serve.prompt import lay_out
from backend.serve.request import Adapter
from backend.serve.window import PARTS, near_text, window
from tests.serve.bench import Bench, request
from tests.serve.serving_box import write_adapter

CODE = "import os\n\n\ndef total(lines):\n    count = 0\n    for line in lines:\n        "
AFTER = "\n    return count\n\n\nprint(total([]))\n"
IDS = st.lists(st.integers(0, 3), max_size=40)
EDITS = st.lists(st.tuples(st.integers(0, 60), st.text("ab(\n ", max_size=6)), min_size=1, max_size=6)


@settings(max_examples=20, deadline=None)
@given(edits=EDITS, heat=st.sampled_from([0.0, 0.9]), suffix=st.sampled_from([None, AFTER]))
def test_an_edited_text_is_answered_as_if_it_had_never_been_seen(
    tiny: ModelInfo, tokenizer: TextTokenizer, edits: list[tuple[int, str]], heat: float, suffix: str | None
) -> None:
    warm, text = Bench(tiny, tokenizer), CODE
    for number, (place, typed) in enumerate(edits):
        text = text[:place] + typed + text[place:]
        asked = request(text, temperature=heat, seed=number, suffix=suffix)
        known, fresh = warm.answer(asked), Bench(tiny, tokenizer, 0).answer(asked)
        assert (known.text, known.tokens, fresh.cached_tokens) == (fresh.text, fresh.tokens, 0)


def test_a_second_keystroke_computes_only_what_changed(tiny: ModelInfo, tokenizer: TextTokenizer) -> None:
    bench, typed = Bench(tiny, tokenizer), "count += line.count('a')"
    bench.answer(request(CODE, suffix=AFTER))
    for end in range(1, len(typed)):
        delta = bench.answer(request(CODE + typed[:end], suffix=AFTER))
        assert delta.cached_tokens >= delta.prompt_tokens - 4


def test_a_cancelled_request_leaves_what_it_has_read(tiny: ModelInfo, tokenizer: TextTokenizer) -> None:
    bench = Bench(tiny, tokenizer)
    bench.add(1, request(CODE, 100, stream=True))
    list(bench.batch.step())
    bench.batch.cancel(1)
    assert bench.answer(request(CODE + "c")).cached_tokens > 20


def test_requests_share_a_beginning_that_one_of_them_is_still_using(tiny: ModelInfo, tokenizer: TextTokenizer) -> None:
    bench = Bench(tiny, tokenizer)
    for id_ in (0, 1, 2):
        bench.add(id_, request(CODE + "x" * id_))
    last = {id_: deltas[-1] for id_, deltas in bench.drain().items()}
    assert [last[id_].cached_tokens > 20 for id_ in (0, 1, 2)] == [False, True, True]
    assert last[2].text == Bench(tiny, tokenizer).answer(request(CODE + "xx")).text


def test_what_other_weights_computed_is_never_used(tiny: ModelInfo, tokenizer: TextTokenizer, tmp_path: Path) -> None:
    bench = Bench(tiny, tokenizer)
    adapter = Adapter(checkpoint="sign:1", path=str(write_adapter(tmp_path / "1", tiny, 1)))
    bench.answer(request(CODE))
    assert bench.answer(request(CODE), adapter).cached_tokens == 0
    assert bench.answer(request(CODE)).cached_tokens > 20
    assert bench.answer(request(CODE), adapter).cached_tokens > 20


def test_caches_stay_within_their_bytes(tiny: ModelInfo) -> None:
    shape = read_shape(tiny.path)
    one = Cache(shape, 256).bytes
    kept = Prefixes(Llama(shape).cache, 3 * one)
    for start in range(6):
        cache = kept.take("", list(range(100 * start, 100 * start + 50)), 60)
        assert cache.used == 0
        cache.used = 50
        kept.keep("", list(range(100 * start, 100 * start + 50)), cache)
        assert kept.bytes <= 3 * one
    assert [kept.take("", list(range(100 * start, 100 * start + 50)), 60).used for start in (0, 5)] == [0, 49]


def test_rows_and_kept_caches_follow_the_memory_that_is_free(tiny: ModelInfo) -> None:
    shape = read_shape(tiny.path)
    whole = Cache(shape, shape.context).bytes
    assert afforded(shape, 10**12) == (ROWS, KEPT * whole)
    assert afforded(shape, 40 * whole) == (10, 5 * whole)
    assert afforded(shape, 0) == (1, 0)


def test_a_short_common_beginning_is_copied_and_stays(tiny: ModelInfo) -> None:
    shape = read_shape(tiny.path)
    kept = Prefixes(Llama(shape).cache, 10**9)
    cache = kept.take("", list(range(200)), 200)
    cache.used = 200
    kept.keep("", list(range(200)), cache)
    copied = kept.take("", [*range(LEAST), 500, 501], 20)
    assert (copied.used, copied is cache) == (LEAST, False)
    assert kept.take("", list(range(200)), 200) is cache


@given(IDS, IDS)
def test_common_beginnings_are_counted(one: list[int], other: list[int]) -> None:
    pairs = [a == b for a, b in zip(one, other, strict=False)]
    expected = pairs.index(False) if False in pairs else len(pairs)
    assert common_length(packed(one), packed(other)) == expected


@given(st.integers(0, 3000), st.integers(0, 1500), st.integers(1, 1000))
def test_a_window_keeps_the_cursor_and_wastes_little(before: int, after: int, room: int) -> None:
    prefix, suffix = list(range(before)), list(range(after))
    ahead, behind = window(prefix, suffix, room)
    assert prefix[len(prefix) - len(ahead) :] == ahead and suffix[: len(behind)] == behind
    taken = len(ahead) + len(behind)
    assert taken <= room and taken >= min(before + after, room - 2 * (room // PARTS + 1))


def test_a_window_stands_still_while_somebody_types(tiny: ModelInfo, tokenizer: TextTokenizer) -> None:
    """Of 200 keystrokes in a text far longer than the context few begin in another way than the one before."""
    text = "".join(f"value_{number} = {number} * count\n" for number in range(300))
    prompts = [lay_out(tiny, tokenizer, request(text[: 5000 + end], 40, suffix=text[6000:])).ids for end in range(200)]
    kept = [common_length(packed(before), packed(after)) >= len(after) - 5 for before, after in pairwise(prompts)]
    assert kept.count(False) <= 4
    assert len(near_text(text * 50, 8000)) <= 8000
