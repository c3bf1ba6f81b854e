"""Making an API key: whose it is, and how much it may ask for."""

from collections.abc import Awaitable, Callable
from typing import ClassVar

from textual import on, work
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Horizontal, Vertical
from textual.screen import ModalScreen
from textual.widgets import Button, Input, Label, Static

from backend import wire
from refact_tui.client import EngineError, EngineUnreachable
from refact_tui.signs import clean

NEEDS_NAME = "Give it a name: who will use it."
NEEDS_NUMBER = "A limit is a whole number from 1 on; leave it empty for none."
FIELDS = (
    ("name", "whose it is: letters, digits, dots and dashes"),
    ("a minute", "requests a minute; empty: no limit"),
    ("at once", "requests under way at once; empty: no limit"),
)


class NewKeyDialog(ModalScreen[wire.MadeApiKey | None]):
    """`create` asks the engine; the result is what was made, if something was."""

    BINDINGS: ClassVar[list[BindingType]] = [Binding("escape", "cancel", "cancel", id="key.cancel")]
    DEFAULT_CSS = """
    NewKeyDialog {
        align: center middle;
        & > Vertical { width: 72; max-width: 100%; height: auto; max-height: 100%; }
        & > Vertical { border: round $primary; padding: 0 1; background: $surface; }
        .key-field { height: 1; }
        .key-field Label { width: 9; color: $text-muted; }
        .key-field Input { width: 1fr; border: none; height: 1; padding: 0 1; background: $boost; }
        .key-field Input:focus { background: $primary-muted; }
        #key-said { height: auto; min-height: 1; margin: 1 0 0 0; }
        #key-said.failed { color: $text-error; }
        #key-buttons { height: 1; margin: 1 0 0 0; }
        #key-buttons Button { margin: 0 2 0 0; min-width: 12; }
    }
    """

    def __init__(self, create: Callable[[wire.NewApiKey], Awaitable[wire.MadeApiKey]]) -> None:
        super().__init__()
        self._create = create

    def compose(self) -> ComposeResult:
        with Vertical() as box:
            box.border_title = "New API key"
            box.border_subtitle = "enter create · tab next · esc cancel"
            for label, hint in FIELDS:
                with Horizontal(classes="key-field"):
                    yield Label(label, markup=False)
                    yield Input(placeholder=hint)
            yield Static("It is shown once, when it is made.", id="key-said", markup=False)
            with Horizontal(id="key-buttons"):
                yield Button("Create", id="key-go", variant="primary", compact=True)
                yield Button("Cancel", id="key-cancel", compact=True)

    @on(Input.Submitted)
    @on(Button.Pressed, "#key-go")
    def _submit(self) -> None:
        name, *limits = self.query(Input)
        odd = next((one for one in limits if one.value.strip() and not _is_limit(one.value.strip())), None)
        if not name.value.strip():
            self._refuse(NEEDS_NAME, name)
        elif odd is not None:
            self._refuse(NEEDS_NUMBER, odd)
        else:
            minute, at_once = (int(one.value) if one.value.strip() else None for one in limits)
            self._send(wire.NewApiKey(name=name.value.strip(), requests_per_minute=minute, concurrent=at_once))

    @work(exclusive=True, group="key")
    async def _send(self, request: wire.NewApiKey) -> None:
        try:
            made = await self._create(request)
        except (EngineError, EngineUnreachable) as error:
            self._refuse(f"✗ {error.message} {error.hint}".strip(), self.query(Input).first())
        else:
            self.dismiss(made)

    @on(Button.Pressed, "#key-cancel")
    def action_cancel(self) -> None:
        self.dismiss(None)

    def _refuse(self, text: str, field: Input) -> None:
        line = self.query_one("#key-said", Static)
        line.update(clean(text))
        line.add_class("failed")
        field.focus()


def _is_limit(text: str) -> bool:
    return text.isascii() and text.isdigit() and int(text) >= 1
