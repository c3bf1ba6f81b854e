"""Percentiles out of steps are near those of the numbers themselves, and nothing is lost on the way to disk."""

import math

from hypothesis import given
from hypothesis import strategies as st

from backend.serve.histogram import DOUBLINGS, Histogram

times = st.lists(st.floats(1, 2**DOUBLINGS), min_size=1, max_size=300)


def filled(values: list[float]) -> Histogram:
    histogram = Histogram()
    for value in values:
        histogram.add(value)
    return histogram


@given(times, st.floats(0.01, 1))
def test_percentiles_are_off_by_a_fifth_at_most(values: list[float], share: float) -> None:
    true = sorted(values)[math.ceil(share * len(values) - 1e-9) - 1]
    said = filled(values).percentile(share)
    assert said is not None and said <= true * 1.2 and (said >= true / 1.2 or true <= 1 + 1e-9)


@given(times, times)
def test_together_is_what_all_of_them_are(some: list[float], others: list[float]) -> None:
    together = Histogram.decode(filled(some).encode())
    together.merge(filled(others))
    whole = filled([*some, *others])
    assert together.counts == whole.counts and math.isclose(together.sum_ms, whole.sum_ms, abs_tol=0.001)
    assert Histogram.decode(whole.encode()).counts == whole.counts


@given(times)
def test_doublings_grow_to_all_of_them(values: list[float]) -> None:
    steps = filled(values).doublings()
    for end, count in steps:
        assert count == sum(value <= end * (1 + 1e-12) for value in values)
    assert steps[-1][1] == len(values)


def test_nothing_and_very_long() -> None:
    assert Histogram().percentile(0.5) is None
    odd = filled([0.0, 0.4, 10**9])
    assert odd.count == 3 and odd.percentile(0.5) is not None and odd.doublings()[-1][1] == 2
