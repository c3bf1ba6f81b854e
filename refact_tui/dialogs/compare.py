"""The same code completed by two checkpoints, side by side, on held-out places or on text of one's own."""

from collections.abc import Awaitable, Callable
from functools import partial
from typing import ClassVar

from textual import on, work
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Horizontal, Vertical
from textual.content import Content
from textual.screen import ModalScreen
from textual.widgets import Button, ContentSwitcher, Static, TextArea

from backend import wire
from refact_tui import words_of_places as say
from refact_tui.client import EngineError, EngineUnreachable
from refact_tui.signs import clean
from refact_tui.widgets.line import Line
from refact_tui.widgets.plain_area import PlainArea
from refact_tui.widgets.reading import Reading
from refact_tui.widgets.tabs import TabLine
from refact_tui.widgets.waiting import waiting

Complete = Callable[[wire.Complete], Awaitable[wire.Completion]]
Places = Callable[[], Awaitable[list[wire.HeldOutPlace]]]
Side = tuple[str, str]
"""Its title, and the model that is asked."""
HELD_OUT, OWN = "Held-out code", "Your own text"
SAMPLE = 'def load_settings(path):\n    """Read the settings file and return a dictionary."""\n    '
HINTS = {
    HELD_OUT: "n next place · p previous · ] your own text · esc close",
    OWN: "ctrl+s complete · tab next · ctrl+t held-out code · esc back",
}


class CompareDialog(ModalScreen[str]):
    """Returns the text as typed, to start from next time."""

    AUTO_FOCUS = ""
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("escape", "back", "back", id="compare.back"),
        Binding("ctrl+s,f5", "complete", "complete", id="compare.complete", priority=True),
        Binding("ctrl+t", "tab", "tab", id="compare.tab", priority=True),
        Binding("left_square_bracket,right_square_bracket", "tab", "tab", show=False),
        Binding("n,right", "step(1)", "next place", id="compare.next"),
        Binding("p,left", "step(-1)", "previous place", id="compare.previous"),
    ]
    DEFAULT_CSS = """
    CompareDialog {
        align: center middle;
        & > Vertical { width: 100%; max-width: 130; height: 100%; max-height: 40; }
        & > Vertical { border: round $primary; padding: 0 1; background: $surface; }
        #compare-upper { height: 1fr; }
        #compare-place, #compare-own { height: 1fr; }
        #compare-code { height: 1fr; border: none; padding: 0; background: $surface-lighten-1; }
        #compare-code:focus { border: none; }
        #compare-buttons { height: 1; }
        #compare-buttons Button { margin: 0 2 0 0; min-width: 12; }
        #compare-results { height: 1fr; min-height: 6; margin: 1 0 0 0; }
        #compare-results Vertical { width: 1fr; padding: 0 1 0 0; }
        .compare-title { height: 1; text-style: bold; color: $text-accent; }
        .compare-note { height: 1; color: $text-muted; }
        #compare-tally { height: auto; min-height: 1; max-height: 2; color: $text-muted; }
    }
    """

    def __init__(self, complete: Complete, places: Places, left: Side, right: Side, code: str = SAMPLE) -> None:
        super().__init__()
        self._complete, self._fetch = complete, places
        self._sides = {"left": left, "right": right}
        self._code = code
        self._places: list[wire.HeldOutPlace] = []
        self._why_none = ""
        self._at = 0
        self._judged: dict[int, dict[str, wire.Completion]] = {}
        """Answers by the place's number: a place seen before is there at once, and counts once."""

    def compose(self) -> ComposeResult:
        with Vertical() as box:
            box.border_title = f"Compare {clean(self._sides['left'][0])} ⟷ {clean(self._sides['right'][0])}"
            yield TabLine((HELD_OUT, OWN), id="compare-tabs")
            with ContentSwitcher(initial="compare-place", id="compare-upper"):
                yield Line("", id="compare-place")
                with Vertical(id="compare-own"):
                    yield PlainArea(self._code, id="compare-code", tab_behavior="focus")
                    with Horizontal(id="compare-buttons"):
                        yield Button("Complete", id="compare-go", variant="primary", compact=True)
                        yield Button("Close", id="compare-close", compact=True)
            with Horizontal(id="compare-results"):
                for side, (title, _) in self._sides.items():
                    with Vertical():
                        yield Static(clean(title), classes="compare-title", markup=False)
                        yield Reading(id=f"compare-{side}")
                        yield Line("", id=f"compare-{side}-note")
            yield Line("", id="compare-tally")

    def on_mount(self) -> None:
        code = self.query_one("#compare-code", TextArea)
        code.move_cursor(code.document.end)
        self.set_focus(None)
        self._hint()
        self._load()

    @property
    def _open(self) -> str:
        return self.query_one(TabLine).open

    @work(exclusive=True, group="places")
    async def _load(self) -> None:
        self.query_one(TabLine).say("choosing places…")
        try:
            self._places = await self._fetch()
        except (EngineError, EngineUnreachable) as error:
            self._why_none = clean(f"{error.message} {error.hint}".strip())
            self.query_one("#compare-place", Line).update(self._why_none)
            self.query_one(TabLine).choose(OWN)
        else:
            self.action_step(0)

    def action_step(self, by: int) -> None:
        """Go to another held-out place, around the ends."""
        if self._open == HELD_OUT and self._places:
            self._at = (self._at + by) % len(self._places)
            place = self._places[self._at]
            self.query_one(TabLine).say(say.where(place, self._at, len(self._places)))
            self._draw_place()
            self._run(say.request_of(place), self._at)

    def _draw_place(self) -> None:
        if self._places:
            box = self.query_one("#compare-place", Line)
            box.update(say.code(self._places[self._at], *box.size))

    def on_resize(self) -> None:
        self.call_after_refresh(self._draw_place)

    def action_tab(self) -> None:
        """To the other kind of code."""
        self.query_one(TabLine).step(1)

    @on(TabLine.Changed)
    def _another_tab(self) -> None:
        own = self._open == OWN
        self.query_one("#compare-upper", ContentSwitcher).current = "compare-own" if own else "compare-place"
        self.query_one("#compare-tally", Line).update(self._why_none if own else self._tally())
        self._hint()
        if own:
            self.query_one(TabLine).say("")
            self.query_one("#compare-code", TextArea).focus()
            self.action_complete()
        else:
            self.set_focus(None)
            self.action_step(0)

    def _hint(self) -> None:
        self.query_one("CompareDialog > Vertical", Vertical).border_subtitle = HINTS[self._open]

    def action_back(self) -> None:
        """From one's own text to the places, if there are any; else close."""
        if self._open == OWN and self._places:
            self.query_one(TabLine).choose(HELD_OUT)
        else:
            self.action_close()

    @on(Button.Pressed, "#compare-close")
    def action_close(self) -> None:
        self.dismiss(self.query_one("#compare-code", TextArea).text)

    @on(Button.Pressed, "#compare-go")
    def action_complete(self) -> None:
        """Complete what stands before and after the cursor with both."""
        if self._open == OWN:
            before, after = around_cursor(self.query_one("#compare-code", TextArea))
            self._run(wire.Complete(prefix=before, suffix=after, max_tokens=96), None)
        else:
            self.action_step(0)

    @work(exclusive=True, group="compare")
    async def _run(self, request: wire.Complete, number: int | None) -> None:
        known = self._judged.get(number, {}) if number is not None else {}
        for side in self._sides:
            if side not in known:
                self._show(side, "", "completing…")
        for side, (_, model) in self._sides.items():
            try:
                with waiting(self, "completing…", partial(self._show, side, ""), at_once=side not in known):
                    found = known.get(side) or await self._complete(say.asking(request, model))
            except (EngineError, EngineUnreachable) as error:
                self._show(side, "", "✗ " + clean(f"{error.message} {error.hint}".strip()))
                continue
            if number is not None:
                self._judged.setdefault(number, {})[side] = found
            self._show(side, say.answer(request.prefix, found.text), say.judged(found))
        if number is not None:
            self.query_one("#compare-tally", Line).update(self._tally())

    def _tally(self) -> str:
        return say.tally(list(self._judged.values()))

    def _show(self, side: str, text: str | Content, note: str) -> None:
        self.query_one(f"#compare-{side}", Reading).say(text)
        self.query_one(f"#compare-{side}-note", Line).update(note)


def around_cursor(area: TextArea) -> tuple[str, str]:
    """The text before and after the cursor of an editor."""
    return area.get_text_range(area.document.start, area.cursor_location), area.get_text_range(
        area.cursor_location, area.document.end
    )
