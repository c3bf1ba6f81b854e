"""The loss plot of one run: redrawn at most once a second, and only what changed of a row is repainted."""

import time
from typing import ClassVar, get_args

from rich.segment import Segment
from textual import events
from textual.strip import Strip
from textual.timer import Timer
from textual.widget import Widget

from refact_tui import chart
from refact_tui.glyphs import Level
from refact_tui.widgets.changed import changed

EVERY_S = 1.0


class LossPlot(Widget):
    """Give it curves by `show`; it remembers the y range for as long as the run stays the same."""

    COMPONENT_CLASSES: ClassVar[set[str]] = {f"loss-plot--{role}" for role in get_args(chart.Role)}
    DEFAULT_CSS = """
    LossPlot {
        height: 1fr;
        .loss-plot--axis { color: $text-muted; }
        .loss-plot--train { color: $curve-train; }
        .loss-plot--test { color: $curve-test; }
        .loss-plot--beside { color: $secondary; }
        .loss-plot--best { color: $success; text-style: bold; }
        .loss-plot--served { color: $text-primary; text-style: bold; }
        .loss-plot--base { color: $text-disabled; }
    }
    """

    def __init__(self, *, id: str | None = None) -> None:
        super().__init__(id=id)
        self._level: Level = "braille"
        self._run = ""
        self._curves = chart.Curves(1)
        self._drawing = chart.Drawing(())
        self._drawn_at = 0.0
        self._stale = True
        self._timer: Timer | None = None

    def show(self, run: str, curves: chart.Curves, level: Level = "braille") -> None:
        """Show these curves: at once for another run, else when a second has passed since the last drawing."""
        if level != self._level:
            self._level, self._run = level, ""
        if run == self._run and curves == self._curves:
            return
        self._curves, self._stale = curves, True
        if run != self._run or self._drawing.y is None:
            self._run, self._drawing = run, chart.Drawing((), self._drawing.y if run == self._run else None)
            self.refresh()
        elif self._timer is None:
            self._timer = self.set_timer(max(0.01, EVERY_S - (time.monotonic() - self._drawn_at)), self._redraw)

    def render_line(self, y: int) -> Strip:
        if self._stale and not self._drawing.lines:
            self._draw()
        if y >= len(self._drawing.lines):
            return Strip.blank(self.size.width, self.rich_style)
        return self._strip(self._drawing.lines[y])

    def _strip(self, line: chart.Line) -> Strip:
        dim = self.text_style
        styles = {role: dim + self.get_component_rich_style(f"loss-plot--{role}") for role in get_args(chart.Role)}
        return Strip([Segment(text, styles[role]) for text, role in line], self.size.width)

    def on_resize(self, event: events.Resize) -> None:
        self._drawing = chart.Drawing((), self._drawing.y)
        self._stale = True
        self.refresh()

    def _redraw(self) -> None:
        """Draw and repaint what changed; a plot nobody sees keeps its data for the next look."""
        self._timer = None
        if not self.is_attached or not self.size or not self.screen.is_active:
            self._drawing = chart.Drawing((), self._drawing.y)
            self.refresh()
            return
        before = list(map(self._strip, self._drawing.lines))
        self._draw()
        after = list(map(self._strip, self._drawing.lines))
        if len(before) != len(after):
            self.refresh()
        elif regions := changed(before, after):
            self.refresh(*regions)

    def _draw(self) -> None:
        self._drawing = chart.draw(self._curves, (self.size.width, self.size.height), self._level, self._drawing.y)
        self._drawn_at, self._stale = time.monotonic(), False
