"""Tokens that are guessed change no answer, and save steps where a text repeats itself."""

from random import Random
from typing import ClassVar

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from backend.models.catalog import ModelInfo
from backend.models.tokenizer import TextTokenizer, load_tokenizer
from backend.serve import batch
from backend.serve.lookup import FIRST, LONGEST, PAUSES, Lookup
from tests.serve.bench import Bench, request

CODE = "value = value + 1\n"
PROMPTS = st.lists(st.text("ab(\n ", max_size=12), min_size=1, max_size=5)


class Knowing(Lookup):
    """Guesses what the answer is known to be, in part."""

    answers: ClassVar[dict[tuple[int, ...], list[int]]] = {}
    chance = Random(0)

    def __init__(self, ids: list[int]) -> None:
        super().__init__(ids)
        self._prompt = next(one for one in self.answers if tuple(ids[:-1]) == one)
        self._said = 1

    def add(self, id_: int) -> None:
        self._said += 1

    def guess(self, most: int) -> list[int]:
        known = self.answers[self._prompt][self._said :][: self.chance.randrange(LONGEST)][: max(most, 0)]
        return [id_ if self.chance.random() < 0.8 else 5 for id_ in known]


@settings(max_examples=25, deadline=None)
@given(prompts=PROMPTS, heat=st.sampled_from([0.0, 0.3, 1.0]), kept=st.sampled_from([0, 2**26]), late=st.integers(0, 4))
def test_guessed_equals_unguessed(
    tiny: ModelInfo, tokenizer: TextTokenizer, prompts: list[str], heat: float, kept: int, late: int
) -> None:
    asks = [
        request(f"{prompt}#{number}", 40, temperature=heat, top_p=0.9, seed=number, stream=True)
        for number, prompt in enumerate(prompts)
    ]
    Knowing.answers = {}
    for ask in asks:
        plain = Bench(tiny, tokenizer, 0, guesses=False)
        plain.answer(ask)
        Knowing.answers[tuple(plain.rows[0].prompt.ids)] = plain.rows[0].answer
    guessing = Bench(tiny, tokenizer, kept)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(batch, "Lookup", Knowing)
        for number, ask in enumerate(asks):
            guessing.add(number, ask)
            for _ in range(late):
                list(guessing.batch.step())
        guessing.drain()
    rows = list(guessing.rows.values())
    assert [row.answer for row in rows] == list(Knowing.answers.values())
    assert any(row.guessed for row in rows) or sum(row.tokens for row in rows) < 60


def test_a_text_that_repeats_itself_takes_fewer_steps(starter: ModelInfo) -> None:
    asked, answers = request(6 * CODE, 40), list[list[int]]()
    for guesses in (False, True):
        bench, steps = Bench(starter, load_tokenizer(starter), guesses=guesses), 0
        bench.add(0, asked)
        row = bench.rows[0]
        while row.reading:
            list(bench.batch.step())
        while bench.batch.busy():
            list(bench.batch.step())
            steps += 1
        answers.append(row.answer)
        assert steps == row.tokens - row.guessed - 1
    assert answers[0] == answers[1]
    assert row.guessed > row.tokens // 2


def test_a_guess_is_what_followed_before() -> None:
    lookup = Lookup([1, 2, 3, 4, 5, 6, 7, 8, 9, 1, 2, 3, 4])
    assert lookup.guess(10) == [5, 6, 7, 8][:FIRST]
    assert lookup.guess(2) == [5, 6]
    assert lookup.guess(0) == []
    lookup.add(70_000)
    assert lookup.guess(10) == []
    assert Lookup([]).guess(4) == Lookup([1]).guess(4) == []


@given(st.lists(st.integers(0, 3), max_size=60), st.lists(st.booleans(), max_size=40))
def test_guesses_grow_when_right_and_pause_when_wrong(ids: list[int], verdicts: list[bool]) -> None:
    lookup = Lookup([*ids, 0, 1, 2, 3, 0, 1, 2, 3, 0, 1, 2, 3])
    for right in verdicts:
        waited = 0
        while not (guess := lookup.guess(LONGEST)):
            waited += 1
            assert waited <= PAUSES
        assert 1 <= len(guess) <= LONGEST
        lookup.judge(len(guess), len(guess) if right else 0)
