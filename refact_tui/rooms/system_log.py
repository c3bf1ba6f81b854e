"""The Log tab of System: the end of the engine's log, narrowed by level and text; follows what is written."""

import asyncio
from typing import ClassVar

from textual import on, work
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import VerticalScroll
from textual.message import Message

from backend import wire
from refact_tui import words
from refact_tui.client import EngineError, EngineUnreachable
from refact_tui.registry import press
from refact_tui.rooms.pane import Pane
from refact_tui.signs import clean
from refact_tui.state import EngineState
from refact_tui.widgets.filter_line import FilterLine
from refact_tui.widgets.line import Line
from refact_tui.widgets.tabs import RuleLine
from refact_tui.words_of_log import merged
from refact_tui.words_of_runs import log_line

EVERY_S = 5.0
"""What a process of the engine writes there by itself is told by no event."""
PAUSE_S = 1.0
LINES = 400
EMPTY = "Nothing is logged yet; an engine that was started by hand logs to its own terminal."
NO_LINE = (
    f"No line of the log's end is like that; {press('system.level')} changes the level, "
    f"{press('system.filter')} the text, esc clears it."
)
LEVELS = {"": "every level", "warning": "warnings and errors", "error": "errors"}


class LogScroll(VerticalScroll):
    """Scrolled by the keys that move in lists; `following` until one scrolls up, and again at the end."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("j", "scroll_down", "down", show=False),
        Binding("k", "scroll_up", "up", show=False),
        Binding("g", "scroll_home", "first", show=False),
        Binding("G", "scroll_end", "last", show=False),
        Binding("ctrl+d", "page_down", "page down", show=False),
        Binding("ctrl+u", "page_up", "page up", show=False),
    ]

    class Followed(Message):
        """It follows now, or does no longer."""

    following = True

    def watch_scroll_y(self, old_value: float, new_value: float) -> None:
        super().watch_scroll_y(old_value, new_value)
        if new_value >= self.max_scroll_y:
            self._follow(True)
        elif new_value < old_value:
            self._follow(False)

    def _follow(self, following: bool) -> None:
        if following != self.following:
            self.following = following
            self.post_message(self.Followed())


class LogPane(Pane):
    """Stands still while one reads further up, however much is written."""

    def __init__(self, id: str) -> None:
        super().__init__(id=id)
        self._level = ""
        self._seen = -1
        self._reading = False
        self._lines: list[wire.LogLine] = []

    def compose(self) -> ComposeResult:
        with LogScroll(id="log-box"):
            yield Line("", id="log-text")
        yield RuleLine(id="log-rule")
        yield FilterLine("part of a line", id="log-filter")

    def on_mount(self) -> None:
        self.set_interval(EVERY_S, self._again)
        self._say()

    def opened(self) -> None:
        if self.query_one(LogScroll).following:
            self._read()

    def draw(self, state: EngineState) -> None:
        """Look, if something was logged."""
        if state.logged != self._seen:
            self._again()

    def _again(self) -> None:
        seen = self.display and self.room.is_active and not self.room.state.paused
        if seen and self.query_one(LogScroll).following and not self._reading:
            self._read()

    @work(exclusive=True, group="log")
    async def _read(self) -> None:
        """Read until nothing more has been logged meanwhile, at most once a second."""
        self._reading = True
        try:
            while True:
                self._seen = self.room.state.logged
                await self._look()
                await asyncio.sleep(PAUSE_S)
                if self._seen == self.room.state.logged or not self.query_one(LogScroll).following:
                    return
        except (EngineError, EngineUnreachable):
            return  # the status line says that the engine is away; it is asked again
        finally:
            self._reading = False

    async def _look(self) -> None:
        text = self.query_one(FilterLine).text
        asked = {"lines": LINES, "level": self._level or None, "text": text or None}
        found = await self.room.client.get("/log", list[wire.LogLine], **asked)
        lines = merged(found, self.room.face.told, text)
        if not self.query_one(LogScroll).following:
            return  # somebody has begun to read meanwhile
        self._lines = lines
        nothing = NO_LINE if self._level or text else EMPTY
        self.query_one("#log-text", Line).update("\n".join(log_line(line) for line in lines) or nothing)
        self.query_one(LogScroll).scroll_end(animate=False)

    @on(LogScroll.Followed)
    def _say(self) -> None:
        box, text = self.query_one(LogScroll), clean(self.query_one(FilterLine).text)
        title = LEVELS[self._level] + (f" with {text}" if text else "")
        self.query_one(RuleLine).say(title, "follows" if box.following else "stands still; G follows")
        if box.following:
            self._again()

    @on(FilterLine.Changed)
    def _anew(self) -> None:
        """Something else is wanted, so it is shown from its end."""
        self.query_one(LogScroll).following = True
        self._say()
        self._read()

    @on(FilterLine.Left)
    def _left(self) -> None:
        self.query_one(LogScroll).focus()

    def act_level(self) -> None:
        """Show graver lines only, or all again."""
        levels = list(LEVELS)
        self._level = levels[(levels.index(self._level) + 1) % len(levels)]
        self._anew()

    def act_copy(self) -> None:
        """Copy the lines that are shown, as they were written."""
        if self._lines:
            text = "\n".join(f"{line.at} {line.level} {line.text}".strip() for line in self._lines)
            self.room.copy(text, f"{words.plural(len(self._lines), 'line')} of the log.")
        else:
            self.room.refuse("There is no line to copy.")

    def act_filter(self) -> None:
        """Show only lines with what is typed."""
        self.query_one(FilterLine).open()

    def back(self) -> bool:
        """Clear the text, then the level."""
        if self.query_one(FilterLine).text:
            self.query_one(FilterLine).action_clear()
        elif self._level:
            self._level = ""
            self._anew()
        else:
            return False
        return True
