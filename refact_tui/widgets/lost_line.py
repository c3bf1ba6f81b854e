"""What stands over a room while nobody answers: why, how old it is that is still shown, and that it is asked again."""

import time

from refact_tui import words
from refact_tui.signs import clean
from refact_tui.state import EngineState
from refact_tui.widgets.line import Line


class LostLine(Line):
    """Takes no room while the link is up, or is only being tried again."""

    DEFAULT_CSS = """
    LostLine { height: auto; max-height: 4; padding: 0 1; color: $text-error; display: none; }
    LostLine.shown { display: block; }
    """

    def __init__(self) -> None:
        super().__init__(id="lost")
        self._state = EngineState()

    def on_mount(self) -> None:
        self.set_interval(5.0, lambda: self.show(self._state))

    def show(self, state: EngineState) -> None:
        """Say what is wrong with the link of this state, or nothing."""
        self._state = state
        said = lost_words(state, time.monotonic())
        self.set_class(bool(said), "shown")
        self.update(said)


def lost_words(state: EngineState, now: float) -> str:
    """Nothing where the engine is not lost; `now` is monotonic."""
    if state.link != "lost":
        return ""
    if state.engine is None:
        return f"✗ {clean(state.trouble)} There is nothing to show before it answers; it is asked again by itself."
    old = words.uptime(max(0.0, now - state.down_since))
    return f"✗ {clean(state.trouble)} What is shown is {old} old; the engine is asked again by itself."
