"""The loss plot as characters: fixed axes, gaps, one point, plain ASCII, and the same drawing every time."""

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from backend import wire
from refact_tui import chart
from refact_tui.glyphs import LEVELS, Level


def metrics(count: int, every: int = 10) -> list[wire.Metric]:
    return [
        wire.Metric(
            step=step,
            train_loss=1.0 + 0.5 / step,
            test_loss=1.1 + 0.3 / step if step % every == 0 else None,
            learning_rate=1e-3,
            tokens_per_s=100.0,
        )
        for step in range(1, count + 1)
    ]


def text(drawing: chart.Drawing) -> list[str]:
    return ["".join(piece for piece, _ in line) for line in drawing.lines]


def roles(drawing: chart.Drawing) -> dict[str, str]:
    found: dict[str, str] = {}
    for line in drawing.lines:
        for piece, role in line:
            found[role] = found.get(role, "") + piece
    return found


@pytest.mark.parametrize("size", [(78, 9), (118, 16), (24, 5), (200, 30)])
@pytest.mark.parametrize("count", [0, 1, 7, 100])
@pytest.mark.parametrize("level", LEVELS)
def test_fills_exactly_its_size(size: tuple[int, int], count: int, level: Level) -> None:
    lines = text(chart.draw(chart.curves_of(metrics(count), 100, 1.4), size, level))
    assert len(lines) == size[1]
    assert {len(line) for line in lines} == {size[0]}


def test_x_axis_is_the_planned_steps() -> None:
    for count in (1, 50, 800):
        labels = text(chart.draw(chart.curves_of(metrics(count), 800), (78, 10)))[-1].split()
        assert labels[0] == "0"
        assert labels[-1] == "800"


def test_a_longer_run_keeps_the_axis_and_the_beginning() -> None:
    first = chart.draw(chart.curves_of(metrics(100), 200), (78, 12))
    second = chart.draw(chart.curves_of(metrics(140), 200), (78, 12), y=first.y)
    assert second.y == first.y
    same = [a[:35] == b[:35] for a, b in zip(text(first), text(second), strict=True)]
    assert all(same)


def test_y_range_only_widens() -> None:
    first = chart.draw(chart.Curves(100, ((1, 2.0), (2, 1.0))), (78, 12))
    later = chart.draw(chart.Curves(100, ((1, 1.6), (2, 1.5))), (78, 12), y=first.y)
    wider = chart.draw(chart.Curves(100, ((1, 5.0),)), (78, 12), y=first.y)
    assert first.y is not None
    assert later.y == first.y
    assert wider.y is not None
    assert wider.y[0] <= first.y[0]
    assert wider.y[1] >= 5.0


def test_base_loss_is_inside_the_range() -> None:
    drawing = chart.draw(chart.Curves(10, ((1, 1.0),), base=3.0), (78, 12))
    assert drawing.y is not None
    assert drawing.y[1] >= 3.0
    assert "┈" in roles(drawing)["base"]


def test_nothing_measured_says_when_it_comes() -> None:
    lines = text(chart.draw(chart.Curves(40), (78, 9)))
    assert any("first point after ~20 s" in line for line in lines)
    assert lines[0].startswith("┌╌")


def test_one_point_is_drawn() -> None:
    drawing = chart.draw(chart.Curves(40, ((20, 1.5),)), (78, 9))
    assert sum(character != " " for character in roles(drawing)["train"]) == 1


def test_nan_is_a_gap() -> None:
    whole = [(step, 1.0) for step in range(1, 101)]
    torn = tuple((step, math.nan if 40 <= step <= 60 else loss) for step, loss in whole)
    lines = text(chart.draw(chart.Curves(100, torn), (104, 9)))
    row = next(line for line in lines if "⠉" in line or "⠤" in line or "⣀" in line or "⠒" in line)
    assert row[50:60].strip() == ""
    assert row[20:40].strip() != ""
    assert row[70:90].strip() != ""


def test_only_nan_counts_as_nothing() -> None:
    assert chart.draw(chart.Curves(10, ((1, math.nan), (2, math.inf))), (78, 9)).y is None


def test_a_step_without_any_loss_becomes_a_gap_and_a_pure_evaluation_does_not() -> None:
    blank = wire.Metric(step=3, train_loss=None, test_loss=None, learning_rate=None, tokens_per_s=None)
    evaluation = wire.Metric(step=4, train_loss=None, test_loss=1.0, learning_rate=None, tokens_per_s=None)
    curves = chart.curves_of([blank, evaluation], 10)
    assert [step for step, _ in curves.train] == [3]
    assert curves.test == ((4, 1.0),)


def test_best_is_the_lowest_test_loss_and_has_its_own_mark() -> None:
    curves = chart.Curves(40, ((1, 2.0),), ((10, 1.5), (20, 1.2), (30, math.nan), (40, 1.4)))
    assert curves.best == (20, 1.2)
    drawn = roles(chart.draw(curves, (78, 12)))
    assert drawn["best"].strip() == "★"
    assert drawn["test"].count("▪") == 2


def test_blocks_are_those_of_the_linux_console() -> None:
    curves = chart.Curves(9, tuple((n, 2.0 - n / 9) for n in range(9)), ((3, 1.9), (6, 1.5)), 1.2, served=6)
    shown = [*text(chart.draw(curves, (78, 12), "block")), chart.legend("block")]
    "".join(shown).replace("▲", "").encode("cp437")  # Python's codec has a control code in the place of ▲
    assert "▀" in "".join(shown) or "▄" in "".join(shown)


def test_the_legend_names_the_signs_of_the_drawing() -> None:
    curves = chart.Curves(9, tuple((n, 2.0 - n / 9) for n in range(9)), ((3, 1.9), (6, 1.5)), 1.2, served=6)
    for level in LEVELS:
        signs = dict(pair.split() for pair in chart.legend(level).split("  "))
        drawn = roles(chart.draw(curves, (78, 12), level))
        for role in ("test", "best", "served", "base"):
            assert signs[role] in drawn[role], (level, role)


def test_ascii_is_ascii() -> None:
    for curves in (chart.Curves(40), chart.curves_of(metrics(300), 400, 1.4)):
        for line in text(chart.draw(curves, (78, 12), "ascii")):
            assert line.isascii()


def test_drawing_is_a_function_of_its_input() -> None:
    curves = chart.curves_of(metrics(120), 200, 1.4)
    first = chart.draw(curves, (78, 12))
    chart.draw(chart.Curves(9, ((1, 9.0),)), (118, 30), "ascii")
    assert chart.draw(curves, (78, 12)) == first


def test_thin_keeps_two_points_a_column() -> None:
    points = [(step, 1.0) for step in range(1, 20_001)]
    assert len(chart.thin(points, 20_000, 70)) <= 2 * 70 + 1


@given(
    losses=st.lists(st.floats(allow_nan=True, allow_infinity=True, width=32) | st.floats(0.01, 20), max_size=40),
    steps=st.integers(1, 5000),
    size=st.tuples(st.integers(1, 130), st.integers(1, 40)),
)
def test_any_losses_in_any_size_give_exact_lines(losses: list[float], steps: int, size: tuple[int, int]) -> None:
    curves = chart.Curves(max(steps, len(losses)), tuple((at + 1, loss) for at, loss in enumerate(losses)))
    lines = text(chart.draw(curves, size))
    assert len(lines) == size[1]
    assert all(len(line) == size[0] for line in lines)
