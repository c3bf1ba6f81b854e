"""The public part of a key, and where each kind of server wants it."""

from typing import ClassVar

from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Vertical, VerticalScroll
from textual.content import Content
from textual.screen import ModalScreen
from textual.widgets import Static

from backend import wire
from refact_tui.registry import press, told
from refact_tui.signs import clean
from refact_tui.words_of_credentials import PLACES

COPIED = "Copied, where the terminal lets us. Else: refact-tui credentials list"
WAY = f"{press('frame.sources')}, {press('sources.new')}"


class PublicKeyDialog(ModalScreen[None]):
    """Nothing here is secret."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("escape,enter,q", "close", "close", id="public.close"),
        Binding("y", "copy", "copy", id="public.copy"),
        Binding("j", "scroll(1)", "down", show=False),
        Binding("k", "scroll(-1)", "up", show=False),
    ]
    DEFAULT_CSS = """
    PublicKeyDialog {
        align: center middle;
        & > Vertical { width: 78; max-width: 100%; height: auto; max-height: 100%; }
        & > Vertical { border: round $primary; padding: 0 1; background: $surface; }
        VerticalScroll { height: auto; max-height: 100%; }
        #public-key { height: auto; color: $text-accent; margin: 0 0 1 0; }
    }
    """

    def __init__(self, credential: wire.Credential) -> None:
        super().__init__()
        self._one = credential

    def compose(self) -> ComposeResult:
        with Vertical() as box:
            box.border_title = clean(self._one.name)
            box.border_subtitle = "y copy · esc close"
            with VerticalScroll():
                yield Static(clean(self._one.public_key), id="public-key", markup=False)
                yield Static(where(self._one, told(self.app, WAY)))

    def action_copy(self) -> None:
        """Copy the public part; it stays on the screen for terminals that cannot."""
        self.app.copy_to_clipboard(self._one.public_key)
        self.query_one(Vertical).border_subtitle = COPIED

    def action_scroll(self, by: int) -> None:
        self.query_one(VerticalScroll).scroll_relative(y=by, animate=False)

    def action_close(self) -> None:
        self.dismiss(None)


def where(one: wire.Credential, way: str) -> Content:
    """Its fingerprint, where the public part goes, and what comes next, with the `way` there."""
    parts: list[str | tuple[str, str]] = [clean(one.fingerprint), "\n\n"]
    parts.append("Give this line to the git server, and it lets this box read:\n")
    for name, place in PLACES:
        parts += [(f"  {name:<11}", "bold"), place, "\n"]
    parts.append(f"\nThen {way}: the repository's ssh address, and as its key {clean(one.name)}.")
    return Content.assemble(*parts)
