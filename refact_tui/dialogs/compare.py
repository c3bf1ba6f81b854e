"""The same code completed by two checkpoints, side by side: the difference a person feels."""

from collections.abc import Awaitable, Callable
from typing import ClassVar

from textual import on, work
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Horizontal, Vertical
from textual.content import Content
from textual.screen import ModalScreen
from textual.widgets import Button, Static, TextArea

from backend import wire
from refact_tui.client import EngineError, EngineUnreachable
from refact_tui.signs import clean

Complete = Callable[[wire.Complete], Awaitable[wire.Completion]]

SAMPLE = 'def load_settings(path):\n    """Read the settings file and return a dictionary."""\n    '


class CompareDialog(ModalScreen[str]):
    """`left` and `right` are (title, model) pairs; returns the code as typed, to start from next time."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("escape", "close", "close", id="compare.close"),
        Binding("ctrl+s,f5", "complete", "complete", id="compare.complete", priority=True),
    ]
    DEFAULT_CSS = """
    CompareDialog {
        align: center middle;
        & > Vertical { width: 100%; max-width: 130; height: 100%; max-height: 34; }
        & > Vertical { border: round $primary; padding: 0 1; background: $surface; }
        #compare-code { height: 1fr; border: none; padding: 0; background: $surface-lighten-1; }
        #compare-code:focus { border: none; }
        #compare-buttons { height: 1; margin: 0 0 1 0; }
        #compare-buttons Button { margin: 0 2 0 0; min-width: 12; }
        #compare-results { height: 2fr; }
        #compare-results Vertical { width: 1fr; padding: 0 1 0 0; }
        .compare-title { height: 1; text-style: bold; color: $text-accent; }
        .compare-text { height: 1fr; }
        .compare-note { height: 1; color: $text-muted; }
    }
    """

    def __init__(self, complete: Complete, left: tuple[str, str], right: tuple[str, str], code: str = SAMPLE) -> None:
        super().__init__()
        self._complete = complete
        self._sides = {"left": left, "right": right}
        self._code = code

    def compose(self) -> ComposeResult:
        with Vertical() as box:
            box.border_title = "Compare"
            box.border_subtitle = "ctrl+s complete · tab next · esc close"
            yield TextArea(self._code, id="compare-code", tab_behavior="focus")
            with Horizontal(id="compare-buttons"):
                yield Button("Complete", id="compare-go", variant="primary", compact=True)
                yield Button("Close", id="compare-close", compact=True)
            with Horizontal(id="compare-results"):
                for side, (title, _) in self._sides.items():
                    with Vertical():
                        yield Static(clean(title), classes="compare-title", markup=False)
                        yield Static("", id=f"compare-{side}", classes="compare-text", markup=False)
                        yield Static("", id=f"compare-{side}-note", classes="compare-note", markup=False)

    def on_mount(self) -> None:
        code = self.query_one("#compare-code", TextArea)
        code.move_cursor(code.document.end)
        self.query_one("#compare-go", Button).focus()
        self.action_complete()

    @on(Button.Pressed, "#compare-go")
    def action_complete(self) -> None:
        """Complete what stands before and after the cursor with both."""
        self._run()

    @on(Button.Pressed, "#compare-close")
    def action_close(self) -> None:
        self.dismiss(self.query_one("#compare-code", TextArea).text)

    @work(exclusive=True, group="compare")
    async def _run(self) -> None:
        before, after = around_cursor(self.query_one("#compare-code", TextArea))
        for side in self._sides:
            self._note(side, "completing…")
        for side, (_, model) in self._sides.items():
            try:
                found = await self._complete(wire.Complete(prefix=before, suffix=after, model=model, max_tokens=96))
            except (EngineError, EngineUnreachable) as error:
                self.query_one(f"#compare-{side}", Static).update("")
                self._note(side, "✗ " + clean(f"{error.message} {error.hint}".strip()))
            else:
                last = before.rpartition("\n")[2]
                text = Content.assemble((clean(last), "dim"), clean(found.text, lines=True))
                self.query_one(f"#compare-{side}", Static).update(text)
                self._note(side, f"{found.tokens} tokens · first after {found.first_token_ms:.0f} ms")

    def _note(self, side: str, text: str) -> None:
        self.query_one(f"#compare-{side}-note", Static).update(text)


def around_cursor(area: TextArea) -> tuple[str, str]:
    """The text before and after the cursor of an editor."""
    return area.get_text_range(area.document.start, area.cursor_location), area.get_text_range(
        area.cursor_location, area.document.end
    )
