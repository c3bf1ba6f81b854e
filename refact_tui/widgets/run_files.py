"""The files that a run learnt from and was tested on, any number of them, narrowed by what is typed."""

from collections.abc import Awaitable, Callable
from typing import Any

from textual import on
from textual.app import ComposeResult
from textual.containers import Vertical
from textual.message import Message

from backend import wire
from refact_tui import words
from refact_tui.client import EngineError, EngineUnreachable
from refact_tui.signs import clean
from refact_tui.widgets.filter_line import FilterLine
from refact_tui.widgets.listing import Column, Row
from refact_tui.widgets.virtual_table import Page, VirtualTable

COLUMNS = (Column("PATH", 21), Column("SET", 5), Column("CONTENT", 12, rank=1))
HINT = "part of a path, set:train or set:test"
Ask = Callable[[str, dict[str, Any]], Awaitable[wire.TaughtPage]]
"""Called with the run and the query."""


class RunFiles(Vertical):
    """`said` is what there is to say about the list: where in it one is, or why it cannot be had."""

    DEFAULT_CSS = "RunFiles { height: 1fr; }"

    class Said(Message):
        """There is something else to say."""

        def __init__(self, text: str) -> None:
            super().__init__()
            self.text = text

        def can_replace(self, message: Message) -> bool:
            return isinstance(message, RunFiles.Said)

    def __init__(self, ask: Ask, id: str) -> None:
        super().__init__(id=id)
        self._ask = ask
        self._run = ""
        self.said = ""

    def compose(self) -> ComposeResult:
        yield VirtualTable(self._page)
        yield FilterLine(HINT, id="run-files-filter")

    def show(self, run: str) -> None:
        """Show the files of this run, unless they are shown."""
        if run != self._run:
            self._run = run
            self._list()

    def open_filter(self) -> None:
        """Type what the list is narrowed by."""
        self.query_one(FilterLine).open()

    def clear_filter(self) -> bool:
        """Show all again; False where that is so already."""
        narrowed = bool(self.query_one(FilterLine).text)
        if narrowed:
            self.query_one(FilterLine).action_clear()
        return narrowed

    @on(FilterLine.Changed)
    def _list(self) -> None:
        typed = clean(self.query_one(FilterLine).text)
        self.query_one(VirtualTable).show(COLUMNS, f"No file matches {typed}. esc clears it." if typed else "No files.")

    @on(FilterLine.Left)
    def _back(self) -> None:
        self.query_one(VirtualTable).focus()

    async def _page(self, after: int | None, offset: int | None, limit: int) -> Page | None:
        typed = self.query_one(FilterLine).text.split()
        sets = [word.removeprefix("set:") for word in typed if word.startswith("set:")]
        text = " ".join(word for word in typed if not word.startswith("set:"))
        query = {"set": sets[-1] if sets else None, "text": text or None, "limit": limit, "offset": after or offset}
        try:
            found = await self._ask(self._run, query)
        except EngineError as error:
            self._say(clean(error.message))
            return None
        except EngineUnreachable:
            self._run = ""  # asked for again when there is news
            return None
        rows = [
            Row(one.sha256, ((clean(one.path), "plain"), (clean(one.set), "muted"), (one.sha256[:12], "muted")))
            for one in found.rows
        ]
        return Page(rows, found.total, found.after)

    @on(VirtualTable.Scrolled)
    def _scrolled(self, event: VirtualTable.Scrolled) -> None:
        self._say(f"{words.count(event.first)}–{words.count(event.last)} of {words.count(event.total)}")

    def _say(self, text: str) -> None:
        self.said = text
        self.post_message(self.Said(text))
