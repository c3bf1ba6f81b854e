"""The base of every room: the frame around it, the state it draws, and how it says yes and no.

A room is a screen in its own mode; `rooms/NOUN.py` holds `NounRoom(Room)` and `rooms/NOUN.tcss` its layout (both
are found by name, and loaded when the room is first opened). It gives
  body()        the widgets between the tabs and the footer;
  draw(state)   called when the room is opened and, at most four times a second, when the state has changed while
                the room is on top; never for a room nobody sees;
  action_NAME   for each key of the room in `refact_tui.keys`, the one place where keys are said;
  action_back   one step back for esc; the default moves the focus to the first part.
It has `state`, `client`, `call(…)` for "ask the engine, and say what came of it", `refuse(text)` for a key that
cannot act, and `fail(error)` for what the engine refused.
"""

import time
from collections.abc import Coroutine, Iterable
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar, cast

from textual import events
from textual.app import ComposeResult
from textual.containers import Vertical
from textual.screen import Screen
from textual.theme import Theme
from textual.widget import Widget
from textual.widgets import Static

from refact_tui import first_run, keys
from refact_tui.client import AsyncClient, EngineError, EngineUnreachable
from refact_tui.registry import Registry
from refact_tui.signs import clean
from refact_tui.state import EngineState
from refact_tui.widgets.action_line import ActionLine, Hints, RoomTabs
from refact_tui.widgets.line import Line
from refact_tui.widgets.lost_line import LostLine
from refact_tui.widgets.status_line import StatusLine

if TYPE_CHECKING:
    from refact_tui.frame import RefactApp

EVERY_S = 1.0
LEAST = (60, 16)
"""Columns and rows below which there is no room for a room."""


class Room(Screen[None]):
    """One of the six; see the module's words."""

    NOUN: ClassVar[str] = ""
    TITLE: ClassVar[str | None] = None
    NUMBER: ClassVar[str] = ""
    DEFAULT_CSS = """
    Room {
        background: $background;
        #room { height: 1fr; }
        #next-step { display: none; height: 1; padding: 0 1; color: $text-accent; }
        #next-step.shown { display: block; }
        #too-small { display: none; height: 1fr; content-align: center middle; }
        &.-stale #room { opacity: 60%; }
        &.-stale:ansi #room { text-style: dim; }
        &.-unknown #room { visibility: hidden; }
        &.-tiny > * { display: none; }
        &.-tiny > #too-small { display: block; }
    }
    """

    def __init_subclass__(cls, **options: Any) -> None:
        noun = cls.__name__.removesuffix("Room").lower()
        if noun in keys.BY_NOUN:
            room = keys.BY_NOUN[noun]
            cls.NOUN, cls.TITLE, cls.NUMBER = noun, room.title, room.number
            if Path(__file__).with_name(f"{noun}.tcss").exists():
                cls.CSS_PATH = f"{noun}.tcss"
        super().__init_subclass__(**options)

    def __init__(self) -> None:
        super().__init__()
        self._drawn: EngineState | None = None
        self._bound: list[str] = []
        self._drawn_at = 0.0
        self._dressed = False
        """Whether it wears the present colours."""
        self.tab: str | None = None
        """The open tab, in a room whose keys depend on it."""

    def compose(self) -> ComposeResult:
        self._bind()
        yield StatusLine()
        yield RoomTabs(self.NOUN, self.registry, id="rooms")
        yield LostLine()
        with Vertical(id="room"):
            yield from self.body()
            yield Line("", id="next-step")
        yield Hints(self.NOUN, self.registry, id="hints")
        yield Static("make me bigger ({}×{})".format(*LEAST), id="too-small", markup=False)

    def _bind(self) -> None:
        bound = self._bindings.key_to_bindings  # of this room and not of its class: they are this person's
        for name in self._bound:
            bound.pop(name, None)
        made = self.registry.bindings(self.NOUN)
        self._bound = [one.key for one in made]
        bound.update({one.key: [one] for one in made})

    def rebind(self) -> None:
        """Take the keys as this person has them now, and say them everywhere."""
        self._bind()
        for line in self.query(ActionLine):
            line.learn(self.registry)
        self._drawn = None
        if self.is_active:
            self.redraw()

    def body(self) -> Iterable[Widget]:
        """The widgets of the room."""
        raise NotImplementedError

    def draw(self, state: EngineState) -> None:
        """Show this state."""
        raise NotImplementedError

    @property
    def face(self) -> "RefactApp":
        """The app, by its own type."""
        return cast("RefactApp", self.app)

    @property
    def state(self) -> EngineState:
        """What the engine is known to be doing."""
        return self.face.state

    @property
    def registry(self) -> Registry:
        """The keys as this person has them."""
        return self.face.keymap.registry

    @property
    def client(self) -> AsyncClient:
        """The way to the engine."""
        return self.face.client

    def redraw(self, anew: bool = False) -> None:
        """Bring the frame and the room up to date, if anything has changed since it was last drawn, or `anew`."""
        state = self.state
        if state is self._drawn and not anew:
            return
        self._drawn, self._drawn_at = state, time.monotonic()
        self.query_one(StatusLine).show(state)
        self.query_one(RoomTabs).show(clean(state.project))
        self.query_one(Hints).show_paused(state.paused)
        self.query_one(LostLine).show(state)
        self._stale(state.link in ("retrying", "lost"))
        self.set_class(state.link == "lost" and state.engine is None, "-unknown")
        step = first_run.next_step(state, self.NOUN, self.registry.face)
        self.query_one("#next-step", Line).update(step)
        self.query_one("#next-step").set_class(bool(step), "shown")
        if state.engine is not None:  # before that nothing is known: not even that there is nothing
            self.draw(state)

    def on_mount(self) -> None:
        self.set_interval(EVERY_S, self._tick)
        self.app.theme_changed_signal.subscribe(self, self._undress)

    def _undress(self, theme: Theme) -> None:
        """The colours are others, also where nobody sees it yet."""
        self._dressed = False

    def _tick(self) -> None:
        """Time goes on, also for what nothing was told of lately."""
        if time.monotonic() - self._drawn_at < EVERY_S / 2:
            return
        if self.is_active and self.state.waits and self.state.link == "up" and not self.state.paused:
            self.redraw(anew=True)

    def _stale(self, stale: bool) -> None:
        """Dim what is no news any more; the terminal's own colours cannot be mixed: there it is a style of the text."""
        if stale != self.has_class("-stale"):
            self.set_class(stale, "-stale")
            if self.app.native_ansi_color:
                self.call_after_refresh(self._restyle)

    def _restyle(self) -> None:
        for widget in self.query("#room *"):
            widget.notify_style_update()
            widget.refresh()

    def on_screen_resume(self, event: events.ScreenResume) -> None:
        # To work out again what everything looks like takes longer than all the rest of changing the room.
        event.refresh_styles = not self._dressed
        self._dressed = True
        self._drawn = None
        self.redraw()

    def on_resize(self, event: events.Resize) -> None:
        self.set_class(event.size.width < LEAST[0] or event.size.height < LEAST[1], "-tiny")
        if self._drawn is not None:  # words that were made for another width
            self._drawn = None
            self.redraw()

    def call(self, asking: Coroutine[Any, Any, Any], done: str = "") -> None:
        """Ask the engine in the background; say why where it has not agreed, else `done`, where that is not seen."""
        self.run_worker(self._called(asking, done), group="call")

    async def _called(self, asking: Coroutine[Any, Any, Any], done: str) -> None:
        try:
            await asking
        except (EngineError, EngineUnreachable) as error:
            self.fail(error)
        else:
            if done:
                self.app.notify(done, markup=False, timeout=4)

    def fail(self, error: EngineError | EngineUnreachable) -> None:
        """Say what went wrong and what to do."""
        self.app.notify(clean(f"{error.message} {error.hint}".strip()), title="error", severity="error", markup=False)

    def copy(self, text: str, shown: str = "") -> None:
        """Send a text to the clipboard of whoever sits there (OSC 52), and show it for terminals that cannot.

        `shown` is said instead of a text that stands on the screen anyway; it must be free of control characters."""
        self.app.copy_to_clipboard(text)
        said = f"{shown} Terminals do not tell whether they took it." if shown else clean(text, lines=True)
        self.app.notify(said, title="Copied", markup=False)

    def refuse(self, text: str) -> None:
        """Say why a key can do nothing here and now."""
        self.app.notify(text, severity="warning", markup=False, timeout=4)

    def action_cannot(self, letter: str) -> None:
        """A letter that means something in other rooms only."""
        self.refuse(self.registry.why_not(self.NOUN, letter, self.tab))

    def action_still(self) -> None:
        """A key that moves about, where no part could be moved in."""
        self.refuse("There is nothing to move through here.")

    def action_back(self) -> None:
        """One step back: to the first part of the room."""
        self.back_to(self.first_part)

    @property
    def first_part(self) -> Widget | None:
        """What can have the focus, the uppermost."""
        return next(iter(self.focus_chain), None)

    def back_to(self, part: Widget | None) -> None:
        """Give the focus to the part where every way back ends; where it is there already, say so."""
        if part is None or part.has_focus or not part.focusable:
            self.refuse(f"There is no step back from here; {self.registry.face('frame.detach')} leaves.")
        else:
            part.focus()

    def action_themes(self) -> None:
        """Choose the colours."""
        from refact_tui.dialogs.themes import ThemesDialog

        self.app.push_screen(ThemesDialog())

    def action_help(self) -> None:
        """Open the help of this room."""
        from refact_tui.dialogs.help import HelpDialog

        self.app.push_screen(HelpDialog(self.NOUN, self.registry))
