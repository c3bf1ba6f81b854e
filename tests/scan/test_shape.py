"""Quick looks at a text never overlook what the slow ones find."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from backend.scan.secrets import MARKS, NAMES, SHORT_MARKS, _marks
from backend.scan.shape import Signs, digits, has_more_digits

TEXT = st.text(st.characters(codec="utf-8"), max_size=60) | st.text("0123456789 ab\n\té", max_size=60)


@given(TEXT, st.sampled_from([0.0, 0.3, 0.5, 0.9]))
def test_digits_are_counted_where_they_may_be_too_many(text: str, share: float) -> None:
    assert has_more_digits(text, share) == (digits(text) > share)


@given(TEXT, st.sets(st.text("abc", min_size=4, max_size=5), max_size=5), st.text("abc", max_size=80))
def test_words_of_five_are_found_anywhere_and_those_of_four_at_even_places(
    before: str, words: set[str], after: str
) -> None:
    wanted = Signs((word.encode(), word) for word in words)
    for text in (before, after, before + after):
        raw = text.encode()
        there = {
            word for word in words for at in range(0, len(raw), 6 - len(word)) if raw[at:].startswith(word.encode())
        }
        assert wanted.found_in(text) == there


@pytest.mark.parametrize("mark", MARKS)
def test_every_mark_of_a_secret_is_seen_wherever_it_stands(mark: str) -> None:
    token = mark + SHORT_MARKS.get(mark, "x")[0] + "A7" * 10
    for before in ("", "'", "= ", "é='", "\n    = '"):
        assert _marks(f"{before}{token}") == [mark] == _marks(f"{before}{token}'\n")
    assert _marks("\n" + "".join(mark[:-1] + " " for mark in MARKS)) == []


def test_services_are_seen_by_their_names() -> None:
    for name in NAMES:
        assert [_marks(f"{before}{name}s") for before in ("T", "My", "é", "")] == [[name]] * 4
