"""A bucket lets through a burst and then its pace, whatever the rhythm of those who ask."""

from hypothesis import given
from hypothesis import strategies as st

from backend.serve.limits import Bucket


@given(st.integers(1, 600), st.lists(st.floats(0, 90), max_size=200))
def test_never_more_than_a_burst_and_the_pace(per_minute: int, pauses: list[float]) -> None:
    now = [0.0]
    bucket = Bucket(per_minute, lambda: now[0])
    taken = 0
    for pause in pauses:
        now[0] += pause
        wait = bucket.take()
        taken += wait == 0
        assert taken <= per_minute + now[0] * per_minute / 60 + 1e-6
        assert 0 <= wait <= 60 / per_minute + 1e-6


@given(st.integers(1, 600))
def test_who_waits_as_told_is_let_in(per_minute: int) -> None:
    now = [0.0]
    bucket = Bucket(per_minute, lambda: now[0])
    assert all(bucket.take() == 0 for _ in range(per_minute))
    for _ in range(3):
        wait = bucket.take()
        assert wait > 0
        now[0] += wait + 1e-6
        assert bucket.take() == 0
