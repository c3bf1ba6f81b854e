"""Held-out places in words: what was written stays in sight however little room there is, and nothing acts."""

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from backend import wire
from refact_tui import words_of_places as say
from tests.tui.tuning_samples import PLACES

WRITTEN = wire.HeldOutPlace(
    path="a.py", line=1, prefix="", suffix="", wanted="total = 1", max_tokens=24, stop=["\n"]
)  # fmt: skip
lines = st.lists(st.text("abc \t(.", max_size=150), max_size=30).map("\n".join)


@given(lines, lines, st.integers(20, 130), st.integers(6, 40))
def test_what_was_written_is_in_sight(prefix: str, suffix: str, width: int, height: int) -> None:
    place = msgspec.structs.replace(WRITTEN, prefix=prefix, suffix=suffix)
    shown = [line.plain for line in say.code(place, width, height).wrap(width)]
    own = len(prefix.rpartition("\n")[2].expandtabs(4)) + len(suffix.partition("\n")[0].expandtabs(4))
    if own < 2 * width:
        assert len(shown) <= height
    together = "".join(shown[:height]).replace(" ", "")
    if own < 2 * width:
        assert "▏total=1▏" in together


@pytest.mark.parametrize("height", [1, 2, 3])
def test_a_place_of_many_lines_is_shown_whole_where_there_is_no_room(height: int) -> None:
    assert PLACES[1].wanted in say.code(PLACES[1], 80, height).plain


def test_answers_lose_the_indentation_of_their_place() -> None:
    prefix = "def f():\n        if x:\n            return "
    shown = say.answer(prefix, "1\n            more\n    less").plain
    assert shown == "return 1\nmore\n    less"


def test_nothing_from_a_file_or_a_model_acts() -> None:
    place = msgspec.structs.replace(WRITTEN, path="a\x1b[2J.py", prefix="x\x1b]0;t\x07\n\tif [red]: ", wanted="\x9bA")
    for text in (
        say.where(place, 0, 1),
        say.code(place, 80, 9).plain,
        say.answer(place.prefix, "\x1b[31m\u202e").plain,
    ):
        assert not {"\x1b", "\x07", "\x9b", "\u202e"} & set(text)
    assert "[red]" in say.code(place, 80, 9).plain


def test_the_tally_counts_what_both_have_answered() -> None:
    def answer(exact: bool, similarity: float) -> wire.Completion:
        return wire.Completion(
            text="", model="starter", checkpoint=None, tokens=1, first_token_ms=1, total_ms=1, exact=exact,
            similarity=similarity,
        )  # fmt: skip

    seen = [{"left": answer(False, 0.2), "right": answer(True, 1.0)}, {"left": answer(True, 1.0)}]
    assert say.tally([]) == ""
    assert say.tally(seen) == "1 place seen: exact 0 ⟷ 1 · edit similarity 0.20 ⟷ 1.00"
    assert say.judged(answer(True, 1.0)) == "✓ exact · 1 token in 1 ms"
    assert say.judged(answer(False, 0.2)) == "✗ 0.20 alike · 1 token in 1 ms"
