"""Quick looks at a text never overlook what the slow ones find."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from backend.scan.secrets import MARKS, NAMES, SHORT_MARKS, _marks
from backend.scan.shape import Fours, digits, has_more_digits

TEXT = st.text(st.characters(codec="utf-8"), max_size=60) | st.text("0123456789 ab\n\té", max_size=60)


@given(TEXT, st.sampled_from([0.0, 0.3, 0.5, 0.9]))
def test_digits_are_counted_where_they_may_be_too_many(text: str, share: float) -> None:
    assert has_more_digits(text, share) == (digits(text) > share)


@given(TEXT, st.dictionaries(st.text("abc", min_size=4, max_size=4), st.text("xyz"), max_size=5), st.text("abc"))
def test_groups_of_four_are_found_at_even_places(before: str, signs: dict[str, str], after: str) -> None:
    wanted = Fours({four.encode(): what for four, what in signs.items()})
    for text in (before, after, before + after):
        raw = text.encode()
        there = {raw[place : place + 4].decode("latin-1") for place in range(0, len(raw) - 3, 2)}
        assert wanted.found_in(text) == {what for four, what in signs.items() if four in there}


@pytest.mark.parametrize("mark", MARKS)
def test_every_mark_of_a_secret_is_seen_wherever_it_stands(mark: str) -> None:
    token = mark + SHORT_MARKS.get(mark, "x")[0] + "A7" * 10
    for before in ("", "'", "= ", "é='", "\n    = '"):
        assert _marks(f"{before}{token}") == [mark] == _marks(f"{before}{token}'\n")
    assert _marks("\n" + "".join(mark[:-1] + " " for mark in MARKS)) == []


def test_services_are_seen_by_their_names() -> None:
    for name in NAMES:
        assert [_marks(f"{before}{name}s") for before in ("T", "My", "é", "")] == [[name]] * 4
