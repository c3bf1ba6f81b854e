"""Lines that divide a room: a titled rule, and one that names the tabs of a pane, the open one in brackets."""

from collections.abc import Sequence

from rich.cells import cell_len
from textual.content import Content
from textual.message import Message

from refact_tui.registry import told
from refact_tui.widgets.line import Sparing
from refact_tui.widgets.listing import fit


class RuleLine(Sparing):
    """`─ title ───────── note ─`."""

    DEFAULT_CSS = "RuleLine { height: 1; color: $text-muted; }"

    def __init__(self, title: str = "", *, note: str = "", id: str | None = None) -> None:
        super().__init__(id=id)
        self.title = title
        self.note = note

    def on_mount(self) -> None:
        self._draw()

    def on_resize(self) -> None:
        self._draw()

    def say(self, title: str, note: str | None = None) -> None:
        """Put other words on the line; they must be free of control characters."""
        note = self.note if note is None else told(self.app, note)
        if (title, note) != (self.title, self.note):
            self.title, self.note = title, note
            self._draw()

    def _draw(self) -> None:
        self.update(ruled([(self.title, "bold"), (" ", "")] if self.title else [], self.note, self.size.width))


class TabLine(Sparing):
    """`─ [Log]  Checkpoints ─────── note ─`; clicks and `step` change the open tab."""

    DEFAULT_CSS = "TabLine { height: 1; color: $text-muted; }"

    class Changed(Message):
        """Another tab is open."""

        def __init__(self, line: "TabLine", name: str) -> None:
            super().__init__()
            self.line, self.tab = line, name

        @property
        def control(self) -> "TabLine":
            return self.line

    def __init__(self, names: Sequence[str], *, note: str = "", id: str | None = None) -> None:
        super().__init__(id=id)
        self.names = tuple(names)
        self.open = self.names[0] if self.names else ""
        self.note = note

    def on_mount(self) -> None:
        self._draw()

    def on_resize(self) -> None:
        self._draw()

    def step(self, by: int) -> None:
        """Open the next (1) or the previous (-1) tab, around the ends."""
        self.choose(self.names[(self.names.index(self.open) + by) % len(self.names)])

    def choose(self, name: str) -> None:
        """Open this tab."""
        if name != self.open:
            self.open = name
            self._draw()
            self.post_message(self.Changed(self, name))

    def say(self, note: str) -> None:
        """Put another note at the right end; it is cut before a tab is."""
        note = told(self.app, note)
        if note != self.note:
            self.note = note
            self._draw()

    def _draw(self) -> None:
        parts: list[tuple[str, str]] = []
        for name in self.names:
            parts.append((f"[{name}]" if name == self.open else f" {name} ", "bold" if name == self.open else ""))
            parts.append((" ", ""))
        self.update(ruled(parts, self.note, self.size.width))


def ruled(parts: list[tuple[str, str]], note: str, width: int) -> Content:
    """The parts on a rule of this width (cells), the note at its right end if there is room for it."""
    while parts and (over := 3 + sum(cell_len(text) for text, _ in parts) - width) > 0 and width > 3:
        text, style = max(parts, key=lambda part: cell_len(part[0]))
        if cell_len(text) < 2:
            break
        cut = (fit(text, max(1, cell_len(text) - over)), style)
        parts = [cut if part == (text, style) else part for part in parts]
    left = 2 + sum(cell_len(text) for text, _ in parts)
    note = f" {note} ─" if note and cell_len(note) + 5 <= width - left else ""
    return Content.assemble("─ " if parts else "──", *parts, "─" * max(0, width - left - cell_len(note)) + note)
