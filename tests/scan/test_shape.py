"""Quick looks at a text never overlook what the slow ones find."""

from hypothesis import given
from hypothesis import strategies as st

from backend.scan.secrets import MARKS, NAMES, PARTS, SHORT
from backend.scan.shape import Fours, digits, has_more_digits

TEXT = st.text(st.characters(codec="utf-8"), max_size=60) | st.text("0123456789 ab\n\té", max_size=60)


@given(TEXT, st.sampled_from([0.0, 0.3, 0.5, 0.9]))
def test_digits_are_counted_where_they_may_be_too_many(text: str, share: float) -> None:
    assert has_more_digits(text, share) == (digits(text) > share)


@given(TEXT, st.lists(st.text("abc", min_size=4, max_size=4), min_size=1, max_size=5), st.text("abc", max_size=200))
def test_four_letters_are_found_at_every_place(before: str, words: list[str], after: str) -> None:
    wanted = Fours(words)
    for text in (before, after, before + after, before + words[0] + after):
        assert wanted.found_in(text) == {word for word in words if word in text}


def test_every_mark_of_a_secret_has_its_four_letters() -> None:
    for mark in (*MARKS, *NAMES):
        assert any(part in mark for part in PARTS) or mark in SHORT, mark
    assert all(len(part) == 4 for part in PARTS)
