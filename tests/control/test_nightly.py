"""The schedule: when a night is due, what it refuses, and that a night without anything new says so."""

from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from backend import nightly, projects, wire
from backend.context import Context
from backend.errors import BadRequest
from tests.scan.test_scan_flow import bring

moments = st.datetimes(timezones=st.just(UTC)).filter(lambda one: one.year < 9000)


@given(moments, st.integers(0, 23), st.integers(0, 59))
def test_the_next_night_is_within_a_day_and_at_its_time(now: datetime, hour: int, minute: int) -> None:
    due = nightly.next_at(f"{hour:02}:{minute:02}", now)
    assert now < due <= now + timedelta(days=1)
    assert (due.hour, due.minute, due.second) == (hour, minute, 0)


@pytest.mark.parametrize("text", ["25:00", "2:00", "02", "02:60", "noon", "02:00:00", "02:00Z"])
def test_what_is_no_time_is_refused(text: str) -> None:
    with pytest.raises(BadRequest, match="no time of day"):
        nightly.clock(text)


async def test_each_project_has_its_own(context: Context) -> None:
    kept = await nightly.put(context, wire.Schedule(at="02:00", minutes=30))
    assert kept.next is not None and "T02:00:00" in kept.next
    await projects.add(context, "other")
    assert (await nightly.get(context)).at == ""
    assert (await nightly.get(context.inside(1))).minutes == 30
    assert (await nightly.put(context.inside(1), wire.Schedule())).next is None
    with pytest.raises(BadRequest, match="minutes cannot be trained"):
        await nightly.put(context, wire.Schedule(at="02:00", minutes=0))


async def test_a_night_with_too_little_says_so(context: Context, tmp_path: Path) -> None:
    (tmp_path / "code").mkdir()
    (tmp_path / "code" / "notes.txt").write_text("words\n")
    await bring(context, tmp_path / "code")
    job = await nightly.start(context)
    again = await nightly.start(context)
    assert again.id == job.id, "one night at a time"
    ended = await context.jobs.wait(job.id)
    assert ended.state == "done", (ended.message, ended.hint)
    last = (await nightly.get(context)).last
    assert "Nothing was trained. 0 of 1 files accepted" in last
