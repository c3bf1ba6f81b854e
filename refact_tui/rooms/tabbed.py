"""The base of a room with tabs: a pane behind each, of which one is open, and keys that go to that one."""

from typing import ClassVar

from textual import events, on
from textual.app import ComposeResult
from textual.widgets import ContentSwitcher

from refact_tui import keys
from refact_tui.rooms.pane import Pane
from refact_tui.rooms.room import Room
from refact_tui.state import EngineState
from refact_tui.widgets.action_line import Hints
from refact_tui.widgets.tabs import TabLine


class TabbedRoom(Room):
    """`PANES` by the tabs that `keys` names, in their order."""

    PANES: ClassVar[dict[str, type[Pane]]] = {}

    def __init__(self) -> None:
        super().__init__()
        self.tab = next(iter(self.PANES))

    def body(self) -> ComposeResult:
        yield TabLine(keys.BY_NOUN[self.NOUN].tabs, id=f"{self.NOUN}-tabs")
        with ContentSwitcher(initial=self.id_of(next(iter(self.PANES))), id=f"{self.NOUN}-pane"):
            for name, pane in self.PANES.items():
                yield pane(id=self.id_of(name))

    def id_of(self, tab: str) -> str:
        """The widget behind a tab."""
        return f"{self.NOUN}-{tab.lower().replace(' ', '-')}"

    @property
    def pane(self) -> Pane:
        """What stands behind the open tab."""
        return self.query_one(f"#{self.id_of(self.tab or '')}", Pane)

    def on_mount(self) -> None:
        self.query_one(Hints).show_tab(self.tab or "")

    def on_screen_resume(self, event: events.ScreenResume) -> None:
        self.pane.opened()

    def draw(self, state: EngineState) -> None:
        """Show the open tab."""
        self.pane.draw(state)

    @on(TabLine.Changed)
    def _another_tab(self, event: TabLine.Changed) -> None:
        self._open(event.tab)

    def _open(self, tab: str) -> None:
        if tab == self.tab:
            return
        self.tab = tab
        self.query_one(ContentSwitcher).current = self.id_of(tab)
        self.query_one(Hints).show_tab(tab)
        if self.state.engine is not None:
            self.pane.draw(self.state)
        self.pane.opened()
        self.enter_pane()

    def enter_pane(self) -> None:
        """Put the focus where the keys of the open tab work."""
        if self.first_part is not None:
            self.first_part.focus()

    def action_back(self) -> None:
        """One step back in the open tab, or to its first part."""
        if not self.pane.back():
            super().action_back()

    def action_tab(self, by: int) -> None:
        """Open the next or the previous tab."""
        self.query_one(TabLine).step(by)

    def action_open_tab(self, name: str) -> None:
        """Open this tab."""
        if name == self.tab:
            self.refuse(f"{name} is open already.")
        self.show_tab(name)

    def show_tab(self, name: str) -> None:
        """Have this tab open, before anything is done in it."""
        self.query_one(TabLine).choose(name)
        self._open(name)

    async def action_pressed(self, letter: str) -> None:
        """Do what a key does in the open tab; where it does something only in another one, say so."""
        doing = self.registry.doing(self.NOUN, letter, self.tab)
        if doing:
            await self.run_action(doing[0].action)
        else:
            self.refuse(self.registry.other_tab(self.NOUN, letter, self.tab or ""))

    def action_pane(self, what: str) -> None:
        """Let the open tab do it."""
        getattr(self.pane, f"act_{what}")()
