"""Requests in one batch: they join and leave, and answer as if they were alone."""

from hypothesis import given, settings
from hypothesis import strategies as st

from backend.models.catalog import ModelInfo
from backend.models.tokenizer import TextTokenizer
from backend.serve.request import Delta
from tests.serve.bench import ROWS, Bench, request

PROMPTS = st.lists(st.text("abc de\n", max_size=12), min_size=1, max_size=ROWS + 3)


@settings(max_examples=15, deadline=None)
@given(PROMPTS, st.sampled_from([0.0, 0.9]))
def test_together_equals_alone(tiny: ModelInfo, tokenizer: TextTokenizer, prompts: list[str], heat: float) -> None:
    together = Bench(tiny, tokenizer)
    for number, prompt in enumerate(prompts):
        together.add(number, request(prompt, temperature=heat, seed=number))
    found = together.drain()
    for number, prompt in enumerate(prompts):
        alone = Bench(tiny, tokenizer)
        alone.add(0, request(prompt, temperature=heat, seed=number))
        assert found[number][-1].text == alone.drain()[0][-1].text


def test_streamed_pieces_add_up_and_are_never_empty(tiny: ModelInfo, tokenizer: TextTokenizer) -> None:
    bench = Bench(tiny, tokenizer)
    bench.add(1, request("def f(", 30, stream=True))
    bench.add(2, request("def f(", 30))
    found = bench.drain()
    assert len(found[2]) == 1
    assert "".join(delta.text for delta in found[1]) == found[2][0].text
    assert all(delta.text for delta in found[1][:-1])
    assert [delta.finish_reason for delta in found[1][:-1]] == [None] * (len(found[1]) - 1)
    assert found[2][0].finish_reason in ("stop", "length")


def test_stop_text_inside_a_token_ends_the_answer(tiny: ModelInfo, tokenizer: TextTokenizer) -> None:
    bench = Bench(tiny, tokenizer)
    bench.add(1, request("def f(", 30))
    text = bench.drain()[1][0].text
    stop = text[len(text) // 2 : len(text) // 2 + 2]
    bench.add(2, request("def f(", 30, stop=(stop,)))
    ended = bench.drain()[2][0]
    assert (ended.text, ended.finish_reason) == (text.split(stop)[0], "stop")


def test_a_cancelled_request_leaves_at_once(tiny: ModelInfo, tokenizer: TextTokenizer) -> None:
    bench = Bench(tiny, tokenizer)
    bench.add(1, request("x", 400, stream=True))
    list(bench.batch.step())
    bench.batch.cancel(1)
    bench.batch.cancel(1)
    assert not bench.batch.busy()


MOVES = st.lists(
    st.one_of(
        st.tuples(st.just("add"), st.integers(0, 4), st.integers(0, 30)),
        st.tuples(st.just("cancel"), st.integers(0, 8), st.just(0)),
        st.tuples(st.just("step"), st.just(0), st.just(0)),
    ),
    max_size=24,
)
TEXTS = ["def f(", "def f(a, b):\n", "x = 1\n" * 40, "x = 1\n" * 40 + "y", "# x\n" * 60]


@settings(max_examples=25, deadline=None)
@given(MOVES, st.sampled_from([1, 3, 8]))
def test_whoever_leaves_changes_nothing_for_the_others(
    tiny: ModelInfo, tokenizer: TextTokenizer, moves: list[tuple[str, int, int]], rows: int
) -> None:
    bench = Bench(tiny, tokenizer, rows=rows)
    ended: dict[int, str] = {}
    left: set[int] = set()

    def step() -> None:
        for id_, delta in bench.batch.step():
            assert isinstance(delta, Delta) and id_ not in left
            if delta.finish_reason:
                ended[id_] = delta.text

    for move, which, tokens in moves:
        if move == "add":
            bench.add(len(bench.rows), request(TEXTS[which], tokens + 1, temperature=0.8, seed=which))
        elif move == "cancel":
            bench.batch.cancel(which)
            left |= {which} & (set(bench.rows) - set(ended))
        else:
            step()
    while bench.batch.busy():
        step()
    assert set(ended) == set(bench.rows) - left
    for id_, text in ended.items():
        assert text == Bench(tiny, tokenizer, 0, guesses=False).answer(bench.rows[id_].request).text
