"""Numbers in words."""

from datetime import UTC, datetime

from hypothesis import given
from hypothesis import strategies as st

from refact_tui import words

NOON = datetime(2026, 11, 24, 12, tzinfo=UTC)


def test_counts_and_sizes() -> None:
    assert [words.count(n) for n in (None, 0, 1204, 12480, 1_000_000)] == ["–", "0", "1 204", "12 480", "1 000 000"]
    assert [words.size(n) for n in (None, 0, 999, 1024, 8295, 18 << 20, 3 << 30)] == [
        "–", "0 B", "999 B", "1.0 KB", "8.1 KB", "18 MB", "3.0 GB",
    ]  # fmt: skip


def test_times() -> None:
    assert [words.duration(s) for s in (None, 9, 62, 1320, 11520, 187_200)] == [
        "–",
        "9s",
        "1m02s",
        "22m",
        "3h12m",
        "2d4h",
    ]
    assert [words.uptime(s) for s in (59.7, 60.0, 599.0, 11520.0)] == ["59s", "1m", "9m", "3h12m"]
    assert words.ago("2026-11-24T11:58:00.000+00:00", NOON) == "2 m ago"
    assert words.ago("2026-11-23T11:00:00+00:00", NOON) == "1 d ago"
    assert words.ago("2026-11-24T12:00:05", NOON) == "just now"
    assert words.ago("soon", NOON) == words.ago(None) == "–"


def test_losses() -> None:
    assert (words.loss(0.9312), words.loss(None)) == ("0.931", "–")
    assert (words.change(0.931, 1.138), words.change(1.2, 1.0), words.change(1.0, 1.0)) == ("−18 %", "+20 %", "±0 %")
    assert words.change(None, 1.0) == words.change(1.0, None) == "–"
    assert words.percent(0.21) == "21 %"


@given(st.floats(0, 1), st.integers(1, 60))
def test_a_bar_never_outgrows_its_place(share: float, width: int) -> None:
    bar = words.bar(share, width)
    assert len(bar) <= width
    assert bool(bar) == (share > 0)


@given(st.integers(0, 2**60))
def test_sizes_stay_short(number: int) -> None:
    assert len(words.size(number)) <= 10
