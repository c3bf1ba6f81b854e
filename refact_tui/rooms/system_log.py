"""The Log tab of System: the end of the engine's log, which follows what is written."""

from typing import ClassVar

from textual import work
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import VerticalScroll

from backend import wire
from refact_tui.client import EngineError, EngineUnreachable
from refact_tui.rooms.pane import Pane
from refact_tui.widgets.line import Line
from refact_tui.words_of_runs import log_line

EVERY_S = 5.0
LINES = 400
EMPTY = "Nothing is logged yet; an engine that was started by hand logs to its own terminal."


class LogScroll(VerticalScroll):
    """Scrolled by the keys that move in lists."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("j", "scroll_down", "down", show=False),
        Binding("k", "scroll_up", "up", show=False),
        Binding("g", "scroll_home", "first", show=False),
        Binding("G", "scroll_end", "last", show=False),
        Binding("ctrl+d", "page_down", "page down", show=False),
        Binding("ctrl+u", "page_up", "page up", show=False),
    ]


class LogPane(Pane):
    """Stays at the end while the end is seen."""

    def compose(self) -> ComposeResult:
        with LogScroll(id="log-box"):
            yield Line("", id="log-text")

    def on_mount(self) -> None:
        self.set_interval(EVERY_S, self._follow)

    def opened(self) -> None:
        self._read()

    def _follow(self) -> None:
        if self.display and self.room.is_active:
            self._read()

    @work(exclusive=True, group="log")
    async def _read(self) -> None:
        try:
            lines = await self.room.client.get("/log", list[wire.LogLine], lines=LINES)
        except (EngineError, EngineUnreachable):
            return  # the status line says that the engine is away; it is asked again
        box = self.query_one(LogScroll)
        at_end = box.scroll_offset.y >= box.max_scroll_y
        self.query_one("#log-text", Line).update("\n".join(log_line(line) for line in lines) or EMPTY)
        if at_end:
            box.scroll_end(animate=False)
