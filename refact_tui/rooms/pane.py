"""The base of what stands behind one tab of a room: it draws the state, and does what the tab's own keys say.

A pane holds `act_NAME` for each key of its tab in `refact_tui.keys` whose action is `pane('NAME')`.
"""

from typing import cast

from textual.containers import Vertical

from refact_tui.rooms.undoing import Undoing
from refact_tui.state import EngineState


class Pane(Vertical):
    """One tab's part of a room."""

    DEFAULT_CSS = "Pane { height: 1fr; }"

    @property
    def room(self) -> Undoing:
        """The room around it."""
        return cast(Undoing, self.screen)

    def draw(self, state: EngineState) -> None:
        """Show this state; called while the tab is open."""

    def opened(self) -> None:
        """The tab was opened, or the room with it."""

    def back(self) -> bool:
        """esc: one step back within the tab; False where there is none."""
        return False
