"""Messages that travel between the parts of the face."""

from textual.message import Message

from refact_tui.state import EngineState


class StateChanged(Message):
    """The engine's state is another; a newer one supersedes those still waiting."""

    def __init__(self, state: EngineState) -> None:
        super().__init__()
        self.state = state

    def can_replace(self, message: Message) -> bool:
        return isinstance(message, StateChanged)
