"""A line for what must not be seen: masked, and never copied from."""

from textual import events
from textual.widgets import Input


class SecretInput(Input):
    """Takes what is pasted whole, without the white space around it: where a line break is in it, that is told."""

    def __init__(self, *, placeholder: str = "", id: str | None = None) -> None:
        super().__init__(placeholder=placeholder, password=True, id=id)

    def _on_paste(self, event: events.Paste) -> None:
        event.prevent_default()
        event.stop()
        self.replace(event.text.strip(), *self.selection)

    def action_copy(self) -> None:
        """The clipboard of a terminal is no place for a secret."""

    def action_cut(self) -> None:
        """As with copying."""
