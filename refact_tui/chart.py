"""Loss curves as lines of characters with roles; pure, and the only module that knows plotext.

The x axis is fixed to the planned steps and the y axis only ever widens, so that what has been drawn stays
where it is: a steady plot can be read at a glance, and over a slow line only the few changed rows travel.
"""

import math
import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Literal

import plotext

from backend import wire
from refact_tui.glyphs import Glyphs, Level

Role = Literal["axis", "train", "test", "beside", "best", "served", "base"]
Line = tuple[tuple[str, Role], ...]
Point = tuple[int, float]
Range = tuple[float, float]

SMALLEST = (24, 5)
"""Below this many columns or rows there is no room for axes and a curve."""

_WAITING = "first point after ~20 s"
_SIGNS: dict[Role, str] = {"test": "▪", "beside": "▫", "best": "★", "served": "▲", "base": "┈"}
_MARKERS: dict[Level, dict[Role, str]] = {
    "braille": {"train": "braille", **_SIGNS},
    "block": {"train": "hd", **_SIGNS},
    "ascii": {"train": ".", "test": "o", "beside": "x", "best": "*", "served": "^", "base": "-"},
}
_COLOURS: dict[Role, int] = {"train": 1, "test": 2, "best": 3, "base": 4, "beside": 5, "served": 6}
_ROLES = {f"38;5;{code}": role for role, code in _COLOURS.items()}
_ESCAPE = re.compile(r"\x1b\[([0-9;]*)m")


@dataclass(frozen=True)
class Curves:
    """What one run has measured so far: losses in nats per token by step; a NaN is a gap in its line."""

    steps: int
    train: tuple[Point, ...] = ()
    test: tuple[Point, ...] = ()
    base: float | None = None
    served: int | None = None
    """Step of the checkpoint that is served, if it is one of this run."""
    beside: tuple[Point, ...] = ()
    """Test losses of another run."""

    @property
    def best(self) -> Point | None:
        """The test point with the lowest loss, None before the first evaluation."""
        return lowest(self.test)


@dataclass(frozen=True)
class Drawing:
    """Exactly as many lines as were asked for, each exactly as wide; `y` goes into the next `draw`."""

    lines: tuple[Line, ...]
    y: Range | None = None


def lowest(points: Iterable[Point]) -> Point | None:
    """The point with the lowest loss, None where there is none."""
    return min(_finite(points), key=lambda point: point[1], default=None)


def curves_of(
    metrics: Sequence[wire.Metric], steps: int, base: float | None = None, served: int | None = None
) -> Curves:
    """The curves of a run; a step whose train loss could not be computed becomes a gap."""
    train = tuple(
        (m.step, math.nan if m.train_loss is None else m.train_loss)
        for m in metrics
        if m.train_loss is not None or m.test_loss is None
    )
    test = tuple((m.step, m.test_loss) for m in metrics if m.test_loss is not None)
    return Curves(max([steps, 1, *(m.step for m in metrics)]), train, test, base, served)


def beside(one: Curves, other: Curves) -> Curves:
    """The test losses of two runs in one picture, over the steps of the longer one."""
    return Curves(max(one.steps, other.steps), test=one.test, beside=other.test)


def draw(curves: Curves, size: tuple[int, int], level: Level = "braille", y: Range | None = None) -> Drawing:
    """Draw into `size` columns × rows; `y` is the range of the former drawing, which is kept or widened."""
    width, height = size
    if width < SMALLEST[0] or height < SMALLEST[1]:
        return Drawing(tuple(_cell("make me bigger" if row == 0 else "", width) for row in range(height)), y)
    train = thin(smooth(curves.train, curves.steps), curves.steps, width - 7)
    seen = [loss for _, loss in _finite((*train, *curves.test, *curves.beside))]
    if not seen:
        return Drawing(_waiting(width, height, level), y)
    y = widen(y, seen if curves.base is None else [*seen, curves.base], height)
    step = _nice((y[1] - y[0]) / max(3, (height - 2) // 2))
    return Drawing(_lines(_build(curves, train, size, y, step, level), width, height, level), y)


def legend(level: Level = "braille") -> str:
    """What stands for what in a drawing of this level."""
    signs = {"train": "─", **_SIGNS} if level != "ascii" else _MARKERS["ascii"]
    drawn = Glyphs(level).shown
    return "  ".join(f"{role} {drawn(signs[role])}" for role in ("train", "test", "best", "served", "base"))


def smooth(points: Sequence[Point], steps: int) -> list[Point]:
    """An exponential moving average over about a fortieth of the planned steps, unbiased from the first point on."""
    weight = 2 / (max(2.0, steps / 40) + 1)
    mean, sure, result = 0.0, 0.0, []
    for step, loss in points:
        if _drawable(loss):
            mean, sure = mean + weight * (loss - mean), sure + weight * (1 - sure)
            result.append((step, mean / sure))
        else:
            result.append((step, math.nan))
    return result


def thin(points: Sequence[Point], steps: int, columns: int) -> list[Point]:
    """At most two points a column, each the last of its half column, so that earlier ones never move again."""
    halves: dict[int, Point] = {}
    for step, loss in points:
        half = int(step / steps * max(columns, 1) * 2)
        if _drawable(loss) or half not in halves:
            halves[half] = (step, loss)
    return list(halves.values())


def widen(former: Range | None, losses: Iterable[float], height: int) -> Range:
    """The former range where it holds all losses, else one that holds both, snapped outward to round numbers."""
    values = [*losses, *(former or ())]
    low, high = min(values), max(values)
    if former is not None and former == (low, high):
        return former
    if high - low < max(1e-3, 1e-6 * abs(high)):
        low, high = low - max(0.05, 1e-6 * abs(high)), high + max(0.05, 1e-6 * abs(high))
    grid = _nice((high - low) / max(3, (height - 2) // 2)) / 2  # coarse: a new lowest loss seldom moves the curves
    return round(math.floor(low / grid + 1e-9) * grid, 9), round(math.ceil(high / grid - 1e-9) * grid, 9)


def _drawable(loss: float) -> bool:
    """False for NaN, infinities and what no axis can show beside a real loss."""
    return abs(loss) < 1e6


def _finite(points: Iterable[Point]) -> Iterator[Point]:
    return (point for point in points if _drawable(point[1]))


def _pieces(points: Iterable[Point]) -> Iterator[tuple[list[int], list[float]]]:
    """Runs of finite points as (xs, ys): what lies between two of them is a gap."""
    xs: list[int] = []
    ys: list[float] = []
    for step, loss in points:
        if _drawable(loss):
            xs.append(step)
            ys.append(loss)
        elif xs:
            yield xs, ys
            xs, ys = [], []
    if xs:
        yield xs, ys


def _build(curves: Curves, train: list[Point], size: tuple[int, int], y: Range, step: float, level: Level) -> str:
    """Let plotext draw; the later a curve, the higher it lies."""
    signs = _MARKERS[level]
    plotext.clear_figure()
    plotext.limit_size(False, False)  # after clear_figure, or the terminal's size would clamp the canvas
    plotext.plotsize(*size)
    plotext.theme("clear")
    plotext.xaxes(True, False)
    plotext.yaxes(True, False)
    plotext.xlim(0, curves.steps)
    plotext.ylim(*y)
    xs = _x_ticks(curves.steps, size[0])
    plotext.xticks(xs, [str(x) for x in xs])
    labels = _y_ticks(y, step)
    plotext.yticks(list(labels), list(labels.values()))
    canvas = (size[0] - 1 - max(map(len, labels.values())), size[1] - 2)
    if curves.base is not None:
        plotext.plot([0, curves.steps], [curves.base] * 2, marker=signs["base"], color=_COLOURS["base"])
    for xs, ys in _pieces(train):
        plotext.plot(xs, ys, marker=signs["train"], color=_COLOURS["train"])

    def mark(points: Iterable[Point], role: Role) -> None:
        placed = [_onto(point, curves.steps, y, canvas, level) for point in points]
        if placed:
            plotext.scatter(*zip(*placed, strict=True), marker=signs[role], color=_COLOURS[role])

    losses: tuple[tuple[Role, tuple[Point, ...]], ...] = (("beside", curves.beside), ("test", curves.test))
    for role, points in losses:
        for xs, ys in _pieces(points):
            plotext.plot(xs, ys, marker=signs["train"], color=_COLOURS[role])
            mark(zip(xs, ys, strict=True), role)
    mark([best for _, points in losses if (best := lowest(points))], "best")
    if curves.served is not None and curves.served <= curves.steps:
        mark([(curves.served, y[0])], "served")
    return str(plotext.build())


def _onto(point: Point, steps: int, y: Range, canvas: tuple[int, int], level: Level) -> tuple[float, float]:
    """Where a mark must be put so that it lands in the cell its line runs through.

    Lines are rounded to dots (2 × 4 a cell in braille, 2 × 2 in blocks), marks to cells.
    """
    across, down = {"braille": (2, 4), "block": (2, 2), "ascii": (1, 1)}[level]
    column = round(point[0] / steps * (canvas[0] * across - 1)) // across
    row = round((point[1] - y[0]) / (y[1] - y[0]) * (canvas[1] * down - 1)) // down
    return column / max(1, canvas[0] - 1) * steps, y[0] + row / max(1, canvas[1] - 1) * (y[1] - y[0])


def _y_ticks(y: Range, step: float) -> dict[float, str]:
    decimals = max(1, min(4, math.ceil(-math.log10(step) - 1e-9) + (0 if _is_round(step) else 1)))
    lowest = math.ceil(y[0] / step - 1e-9)
    ticks = [number * step for number in range(lowest, math.floor(y[1] / step + 1e-9) + 1)]
    return {tick: f"{tick:.{decimals}f}" for tick in ticks}


def _x_ticks(steps: int, width: int) -> list[int]:
    every = max(1, round(_nice(steps / max(2, width // 12))))
    ticks = list(range(0, steps + 1, every))
    if ticks[-1] != steps:
        if steps - ticks[-1] < every * 0.7 and len(ticks) > 1:
            ticks.pop()
        ticks.append(steps)
    return ticks


def _nice(step: float) -> float:
    """The smallest of 1, 2, 2.5 and 5 times a power of ten that is not below the step."""
    power = 10.0 ** math.floor(math.log10(step))
    return power * next(factor for factor in (1, 2, 2.5, 5, 10) if factor * power >= step * (1 - 1e-9))


def _is_round(step: float) -> bool:
    return round(step / 10.0 ** math.floor(math.log10(step) + 1e-9), 6) != 2.5


def _lines(built: str, width: int, height: int, level: Level) -> tuple[Line, ...]:
    """plotext's escape codes become roles; a line of another width than asked for is cut or filled."""
    lines, signs = [], Glyphs(level)
    for raw in built.split("\n")[:height]:
        parts: list[tuple[str, Role]] = []
        role: Role = "axis"
        left = width
        for number, piece in enumerate(_ESCAPE.split(raw)):
            if number % 2:
                role = _ROLES.get(piece, "axis")
            elif piece and left > 0:
                parts.append((signs.shown(piece[:left]), role))
                left -= len(piece[:left])
        if left > 0:
            parts.append((" " * left, "axis"))
        lines.append(tuple(parts))
    return (*lines, *(_cell("", width) for _ in range(height - len(lines))))


def _waiting(width: int, height: int, level: Level) -> tuple[Line, ...]:
    """A dotted frame that says when the first point comes."""
    middle = (height - 1) // 2
    rows = [f"┌{'╌' * (width - 2)}┐", *[f"╎{' ' * (width - 2)}╎"] * (height - 2), f"└{'╌' * (width - 2)}┘"]
    rows[middle] = f"╎{_WAITING:^{width - 2}}╎"
    return tuple(_cell(Glyphs(level).shown(row), width) for row in rows)


def _cell(text: str, width: int) -> Line:
    return ((text[:width].ljust(width), "axis"),)
