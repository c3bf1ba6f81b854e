"""Who is answered when: keys take turns, long prompts hold nobody up, and nothing waits for ever."""

import time
from collections import Counter

from hypothesis import given
from hypothesis import strategies as st

from backend.errors import Overloaded
from backend.models.catalog import ModelInfo
from backend.models.tokenizer import TextTokenizer
from backend.serve.pace import FEWEST, MOST, STEP_S, Pace, divided
from backend.serve.prompt import Prompt
from backend.serve.queueing import Waiting
from backend.serve.request import CompletionRequest, Delta
from backend.serve.row import Row
from backend.serve.text import Writer
from tests.serve.bench import Bench, request

LONG = "".join(f"value_{number} = {number}\n" for number in range(60))


def row(id_: int, key: str) -> Row:
    asked = CompletionRequest(prompt="x", key=key)
    return Row(id_, asked, Prompt([1], 1), None, Writer(lambda ids: "", ()), 0.0)


@given(st.lists(st.sampled_from("abc"), min_size=1, max_size=40))
def test_a_key_waits_for_no_more_than_a_turn_of_each_other(keys: list[str]) -> None:
    waiting, running = Waiting(), Counter[str]()
    for id_, key in enumerate(keys):
        waiting.add(row(id_, key))
    order = [waiting.take(running) for _ in keys]
    assert len(waiting) == 0
    for key in "abc":
        mine = [one.id for one in order if one.request.key == key]
        assert mine == sorted(mine), "of one key the first is first"
    turns = [one.request.key for one in order]
    for turn in range(len(turns)):
        left = Counter(turns[turn:])
        assert len(set(turns[turn : turn + len(left)])) == len(left), "each that waits has a turn in each round"


def test_the_key_with_fewest_running_is_next() -> None:
    waiting = Waiting()
    for id_, key in enumerate("aab"):
        waiting.add(row(id_, key))
    assert waiting.take(Counter({"a": 1})).request.key == "b"
    assert [one.id for one in waiting.drop(lambda one: one.id == 1)] == [1]
    assert [one.id for one in waiting] == [0]


@given(st.lists(st.integers(1, 2000), max_size=12), st.integers(1, 600))
def test_the_oldest_prompt_has_half_and_nothing_is_wasted(unread: list[int], tokens: int) -> None:
    given_ = divided(unread, tokens)
    assert sum(given_) == min(sum(unread), tokens)
    assert all(0 <= got <= left for got, left in zip(given_, unread, strict=True))
    if unread:
        assert given_[0] >= min(unread[0], tokens // 2)


def test_steps_stay_short_on_a_slow_machine_and_a_fast_one() -> None:
    slow, fast = Pace(), Pace()
    for _ in range(30):
        slow.saw(slow.tokens, slow.tokens / 2000)
        fast.saw(fast.tokens, fast.tokens / 10**6)
    assert (slow.tokens, fast.tokens) == (max(FEWEST, int(2000 * STEP_S)), MOST)
    fast.saw(3, 1.0)
    assert fast.tokens == MOST, "few tokens say nothing of many"


def test_a_long_prompt_holds_nobody_up(tiny: ModelInfo, tokenizer: TextTokenizer) -> None:
    bench = Bench(tiny, tokenizer)
    bench.add(1, request("def f(", 200, stream=True))
    list(bench.batch.step())
    bench.add(2, request(LONG, 4))
    bench.add(3, request("x", 4))
    steps = 0
    while bench.rows[2].reading:
        before = bench.rows[1].tokens
        list(bench.batch.step())
        assert bench.rows[1].tokens > before, "who decodes gets a token in every step"
        steps += 1
        assert steps > 1 or bench.rows[3].tokens, "a short prompt does not wait for a long one"
    assert steps > 1


def test_a_prompt_that_is_being_read_may_be_cancelled(tiny: ModelInfo, tokenizer: TextTokenizer) -> None:
    bench = Bench(tiny, tokenizer)
    bench.add(1, request(LONG, 4))
    list(bench.batch.step())
    assert bench.rows[1].reading
    bench.batch.cancel(1)
    assert not bench.batch.busy()
    assert bench.answer(request(LONG, 4)).cached_tokens >= FEWEST


def test_what_comes_too_late_is_refused_or_ended(tiny: ModelInfo, tokenizer: TextTokenizer) -> None:
    bench = Bench(tiny, tokenizer, rows=2)
    bench.add(1, request("def f(", 400, stream=True, deadline_s=3.0))
    bench.add(2, request(LONG, 4, deadline_s=3.0))
    bench.add(3, request("x", 4, deadline_s=3.0))
    list(bench.batch.step())
    for row in bench.rows.values():
        row.arrived = time.monotonic() - 4.0
    answers = dict(bench.batch.step())
    assert isinstance(answers[2], Overloaded) and isinstance(answers[3], Overloaded)
    assert isinstance(answers[1], Delta) and answers[1].finish_reason == "length"
    assert not bench.batch.busy()
