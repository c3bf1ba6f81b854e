"""Draws what changes all the time no more often than a slow line can take."""

from collections.abc import Callable

from textual.timer import Timer
from textual.widget import Widget

EVERY_S = 0.25


class Slowly:
    """Calls `draw` on behalf of a widget: soon after the first change, and with it for all until then."""

    def __init__(self, widget: Widget, draw: Callable[[], None]) -> None:
        self._widget, self._draw = widget, draw
        self._due: Timer | None = None

    def soon(self) -> None:
        """Something has changed."""
        if self._due is None:
            self._due = self._widget.set_timer(EVERY_S, self.now)

    def now(self) -> None:
        """Draw what there is; nothing is due afterwards."""
        if self._due is not None:
            self._due.stop()
            self._due = None
        self._draw()
