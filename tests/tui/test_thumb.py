"""The scrollbar's thumb: within its track, at an end only where the list is, and seen where there are no colours."""

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from refact_tui.frame import RefactApp
from refact_tui.widgets.thumb import span
from tests.tui.pilots import press, screen_text, sees, until
from tests.tui.samples import ANSWERS, BUSY
from tests.tui.stub_engine import StubEngine


@given(size=st.integers(1, 80), window=st.integers(1, 80), beyond=st.integers(1, 2_000_000), at=st.floats(0, 1))
def test_the_thumb_stands_where_the_list_does(size: int, window: int, beyond: int, at: float) -> None:
    position = round(beyond * at)
    first, behind = span(size, window + beyond, window, position)
    assert 0 <= first < behind <= size
    if size > 1:
        assert behind - first < size  # there is more than what is in sight
    if size - (behind - first) > 1:
        assert (first == 0) == (position == 0)
        assert (behind == size) == (position == beyond)


@pytest.mark.parametrize("coloured", [True, False])
async def test_it_is_seen_with_colours_and_without(
    coloured: bool, engine: StubEngine, monkeypatch: pytest.MonkeyPatch
) -> None:
    if not coloured:
        monkeypatch.setenv("NO_COLOR", "1")
    engine.state, engine.answers = msgspec.structs.replace(BUSY, jobs=[]), dict(ANSWERS)
    app = RefactApp(engine.paths)
    async with app.run_test(size=(80, 24)) as pilot:
        await sees(pilot, "● engine")
        await press(pilot, "2")
        await sees(pilot, "1–10 of 500")

        def track() -> str:
            return "".join(line.ljust(80)[79] for line in screen_text(app).splitlines()[12:23])

        assert track().strip() == "█"
        top = track().index("█")
        await press(pilot, "G")
        await until(pilot, lambda: track().endswith("█") and track().index("█") > top, "the thumb at the end")
