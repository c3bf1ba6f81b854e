"""The app: six rooms, one feed, and the way out that stops nothing."""

import asyncio
from collections.abc import Callable, Iterable
from functools import partial
from pathlib import Path
from typing import ClassVar

from textual import work
from textual.app import SystemCommand
from textual.binding import Binding, BindingType
from textual.events import DescendantFocus
from textual.screen import Screen
from textual.widget import Widget

from backend import wire
from backend.paths import Paths
from refact_tui import keymap, keys, palette, settings
from refact_tui import words_of_jobs as jobs
from refact_tui.client import AsyncClient
from refact_tui.demo import Demo, Left
from refact_tui.drawing import Drawing
from refact_tui.feed import Feed
from refact_tui.looks import EVERY_S, Looks
from refact_tui.messages import StateChanged
from refact_tui.registry import press
from refact_tui.rooms import open_room
from refact_tui.rooms.room import Room
from refact_tui.signs import clean
from refact_tui.state import EngineState, held
from refact_tui.telling import Telling

DEMO_S = 2.0
"""Between two looks whether a demo has ended."""


class RefactApp(Drawing):
    """Returns the sentence to leave behind in the shell."""

    TITLE = "refact-tui"
    MODES = {room.noun: partial(open_room, room.noun) for room in keys.ROOMS}  # noqa: RUF012
    DEFAULT_MODE = keys.ROOMS[0].noun
    BINDINGS: ClassVar[list[BindingType]] = [Binding("ctrl+q", "detach", "detach", show=False, priority=True)]
    CSS = """
    App { background: $background; color: $foreground; }
    Toast { padding: 0 1; width: 76; max-width: 90%; background: $panel; }
    CommandPalette SearchIcon { display: none; }
    * { scrollbar-color: $secondary; scrollbar-color-hover: $primary; scrollbar-color-active: $primary;
        scrollbar-background: $background; scrollbar-background-hover: $background;
        scrollbar-background-active: $background; scrollbar-size-vertical: 1; scrollbar-size-horizontal: 1; }
    *:ansi { scrollbar-color: $primary; }
    OptionList:nocolor > .option-list--option-highlighted, Choice:nocolor:focus { text-style: reverse; }
    """

    def __init__(self, paths: Paths, own: bool = True) -> None:
        super().__init__()
        self.paths, self.own = paths, own
        """The engine's home, and whether it is this user's, where an engine may be started."""
        self.other: Paths | None = None
        """Home of the engine that is to be attached to when this has ended."""
        self.demo = Demo(paths)
        self.client = AsyncClient(paths)
        self.feed = Feed(self.client, self._told, self._revive)
        self.state = EngineState()
        self._paused = False
        self.when_drawn: Callable[[], object] = lambda: None
        """Called once, when the first screen is there."""
        self.keymap = keymap.load()
        self.looks = Looks(self)
        self.looks.dress()

    def on_mount(self) -> None:
        for said in self.keymap.told:
            self.notify(clean(said), severity="warning", markup=False, timeout=10)
        self.run_worker(self.feed.run(), name="feed", group="feed", exclusive=True)
        self.call_after_refresh(self.when_drawn)
        self.looks.look()
        self.set_interval(EVERY_S, self.looks.look)
        if self.own:
            self._await_demo()

    def on_descendant_focus(self, event: DescendantFocus) -> None:
        """Where nothing is to move by itself the cursor of a field does not blink either."""
        if self.animation_level == "none" and hasattr(event.widget, "cursor_blink"):
            event.widget.cursor_blink = False

    async def on_unmount(self) -> None:
        self.workers.cancel_all()
        await self.client.close()

    def _told(self, state: EngineState) -> None:
        if self.is_running:
            self.post_message(StateChanged(state))

    def on_state_changed(self, message: StateChanged) -> None:
        self._show(message.state)

    def _show(self, state: EngineState) -> None:
        """Let what is on the screen be this, or as much of it as a screen that stands still shows."""
        before, self.state = self.state, held(self.state, state) if self._paused else state
        if before.link in ("retrying", "lost") and self.state.link == "up":
            self.notify("The engine answers again.", timeout=3, markup=False)
        for job in jobs.just_ended(before.jobs, self.state.jobs):
            self._tell_of(job)
        if isinstance(self.room, Room) and self.room.is_mounted:
            self.room.redraw()

    def _tell_of(self, job: wire.Job) -> None:
        """A job has ended: say so where that is not seen. The log has why it failed."""
        here = self.room.NOUN if isinstance(self.room, Room) else ""
        if jobs.ROOMS.get(job.kind, here) == here or self._is_open("Jobs"):
            return
        failed = job.state == "failed"
        super(Telling, self).notify(
            jobs.ended_words(job, self.state.project),
            severity="error" if failed else "information",
            timeout=8 if failed else 4,
            markup=False,
        )

    @property
    def room(self) -> Screen[object]:
        """The room in front, also while a question stands before it."""
        return self.screen_stack[0]

    async def _revive(self) -> str:
        """Start the engine again after it has died; why that was impossible, or nothing."""
        from refact_tui.launch import LaunchError, ensure_engine

        if not self.own:
            return f"Its home is {self.paths.home}; it is not started from here."
        try:
            started = await asyncio.to_thread(ensure_engine, self.paths)
        except LaunchError as error:
            return f"{error.message} {error.hint}".strip()
        if started:
            self.notify("The engine had gone; it was started again.", severity="warning", markup=False)
        self.feed.hurry()
        return ""

    @work
    async def ask_for_engine(self) -> None:
        """Ask for another engine and go there; what is at work here goes on."""
        from refact_tui.dialogs.attach import AttachDialog

        other = await self.push_screen_wait(AttachDialog(self.paths))
        if other is not None:
            self.other = other
            self.exit()

    def run_demo(self, folder: Path) -> None:
        """Begin the demo on a checkout; the rooms show how far it is, and its last words come when it has ended."""
        try:
            self.demo.begin(folder)
        except OSError as error:
            self.notify(clean(f"The demo cannot be started: {error}"), severity="error", markup=False, timeout=10)
        else:
            self._await_demo()

    def _await_demo(self) -> None:
        """Look for its end as long as there is something to look for."""
        try:
            left = self.demo.left()
            if left is None and self.demo.begun:
                self.set_timer(DEMO_S, self._await_demo)
        except OSError as error:
            left = Left(str(error), failed=True)
        if left is not None:
            from refact_tui.dialogs.read import ReadDialog

            title = "The demo has failed" if left.failed else "The demo"
            self.push_screen(ReadDialog(title, f"{left.text}\n\nWhat it did is in {self.demo.log}."))

    def action_room(self, noun: str) -> None:
        """Go to a room."""
        if noun == self.current_mode:
            self.notify(f"{keys.BY_NOUN[noun].title} is open already.", severity="warning", markup=False, timeout=4)
        self.switch_mode(noun)

    def action_focus_next(self) -> None:
        """To the next part."""
        self._lead(self.screen.focus_next)

    def action_focus_previous(self) -> None:
        """To the part before."""
        self._lead(self.screen.focus_previous)

    def _lead(self, to: Callable[[], Widget | None]) -> None:
        before = self.focused
        if to() is before and isinstance(self.screen, Room):
            self.screen.refuse("There is no other part here to go to.")

    def action_detach(self) -> None:
        """Leave; everything goes on."""
        self.exit(jobs.farewell(self.feed.state))

    def action_pause(self) -> None:
        """Let the screen stand still; again: show what has become of everything meanwhile."""
        self._paused = not self._paused
        self._show(self.feed.state)

    async def action_quit(self) -> None:
        """The same as detach: leaving never stops anything."""
        self.action_detach()

    def action_help_quit(self) -> None:
        """ctrl+c does not leave; it says what does."""
        self.notify(f"{press('frame.detach')} detaches; the engine keeps running.", markup=False, timeout=4)

    def get_system_commands(self, screen: Screen[object]) -> Iterable[SystemCommand]:
        """What the palette offers."""
        return palette.commands(self, screen.NOUN if isinstance(screen, Room) else keys.ROOMS[0].noun)

    def run_here(self, action: str, tab: str = "") -> None:
        """Run an action of the room in front, with this tab of it open if one is named."""
        if tab and not self._is_open(tab):
            self.call_later(self.room.run_action, f"open_tab({tab!r})")
        self.call_later(self.room.run_action, action)

    def open_tab(self, noun: str, tab: str) -> None:
        """Go to a tab of a room."""

        async def go() -> None:
            here = self.current_mode == noun
            await self.switch_mode(noun)
            if here or not self._is_open(tab):
                await self.room.run_action(f"open_tab({tab!r})")

        self.call_later(go)

    def _is_open(self, tab: str) -> bool:
        return isinstance(self.room, Room) and self.room.tab == tab

    def use_keys(self, found: keymap.Keymap) -> None:
        """Bind these keys from now on, in every room that is open."""
        self.keymap = found
        for stack in self._screen_stacks.values():
            for screen in stack:
                if isinstance(screen, Room):
                    screen.rebind()

    def use_glyphs(self, choice: str) -> None:
        """Draw with the signs of this level, or with what suits the terminal, and remember it."""
        self.wear(choice)
        self.mutate_reactive(RefactApp.theme)  # every room, also one in the back, draws itself anew
        for widget in self.screen.query("*"):
            widget.refresh()
        if isinstance(self.room, Room):
            self.room.redraw(anew=True)
        try:
            settings.keep(glyphs=choice)
        except OSError as error:
            self.notify(f"The signs are not remembered: {error}", severity="warning", markup=False)
        else:
            self.notify(f"Drawn in {self.terminal.level}: {self.terminal.why}.", markup=False, timeout=4)
