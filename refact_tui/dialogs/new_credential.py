"""Making a key or keeping a token: a name, which of the two, and for a token a line that does not show it."""

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
from refact_tui.widgets.secret_input import SecretInput
from refact_tui.words_of_credentials import new_words, next_kind

NEEDS_NAME = "Give it a name, for example that of the repository."
NEEDS_TOKEN = "Paste the token."


class NewCredentialDialog(ModalScreen[wire.Credential | None]):
    """`create` asks the engine; `replaced` names the token to be replaced, else something new is made.

    The result is what was made, if something was."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("escape", "cancel", "cancel", id="credential.cancel"),
        Binding("ctrl+t", "cycle", "kind", id="credential.kind", priority=True),
    ]
    DEFAULT_CSS = """
    NewCredentialDialog {
        align: center middle;
        & > Vertical { width: 76; max-width: 100%; height: auto; max-height: 100%; }
        & > Vertical { border: round $primary; padding: 0 1; background: $surface; }
        .new-field { height: 1; }
        .new-field Label { width: 9; color: $text-muted; }
        .new-field Input { width: 1fr; border: none; height: 1; padding: 0 1; background: $boost; }
        .new-field Input:focus { background: $primary-muted; }
        #new-kind { padding: 0 1; }
        #new-said { height: auto; min-height: 2; margin: 1 0 0 0; }
        #new-said.failed { color: $text-error; }
        #new-buttons { height: 1; margin: 1 0 0 0; }
        #new-buttons Button { margin: 0 2 0 0; min-width: 12; }
    }
    """

    def __init__(self, create: Callable[[wire.NewCredential], Awaitable[wire.Credential]], replaced: str = "") -> None:
        super().__init__()
        self._create, self._replaced = create, replaced
        self._kind: wire.CredentialKind = "token" if replaced else "ssh-key"

    def compose(self) -> ComposeResult:
        with Vertical() as box:
            box.border_title = f"New value of {clean(self._replaced)}" if self._replaced else "New key or token"
            enter = "enter replace" if self._replaced else "enter create · ctrl+t kind"
            box.border_subtitle = f"{enter} · tab next · esc cancel"
            with Horizontal(classes="new-field"):
                yield Label("name", markup=False)
                yield Input(
                    self._replaced,
                    placeholder="letters, digits, dots and dashes",
                    id="new-name",
                    disabled=bool(self._replaced),
                )
            with Horizontal(classes="new-field"):
                yield Label("kind", markup=False)
                yield Static("", id="new-kind", markup=False)
            with Horizontal(classes="new-field", id="new-token-field"):
                yield Label("token", markup=False)
                yield SecretInput(placeholder="paste it; it is not shown", id="new-token")
            yield Static("", id="new-said", markup=False)
            with Horizontal(id="new-buttons"):
                yield Button("Replace" if self._replaced else "Create", id="new-go", variant="primary", compact=True)
                yield Button("Cancel", id="new-cancel", compact=True)

    def on_mount(self) -> None:
        self._show_kind()

    def action_cycle(self) -> None:
        """Make the other kind."""
        if not self._replaced:
            self._kind = next_kind(self._kind)
            self._show_kind()

    def _show_kind(self) -> None:
        self.query_one("#new-kind", Static).update(new_words(self._kind, self._replaced))
        token = self.query_one("#new-token", SecretInput)
        if self._kind == "ssh-key":
            token.value = ""
            if token.has_focus:
                self.query_one("#new-name", Input).focus()
        self.query_one("#new-token-field").display = self._kind == "token"
        self._say("")

    @on(Input.Submitted)
    @on(Button.Pressed, "#new-go")
    def _submit(self) -> None:
        name, token = self.query_one("#new-name", Input), self.query_one("#new-token", SecretInput)
        if not name.value.strip():
            self._say(NEEDS_NAME, failed=True)
            name.focus()
        elif self._kind == "token" and not token.value.strip():
            self._say(NEEDS_TOKEN, failed=True)
            token.focus()
        else:
            self._say("Making it…")
            secret = token.value if self._kind == "token" else None
            self._send(wire.NewCredential(name=name.value.strip(), token=secret, replace=bool(self._replaced)))

    @work(exclusive=True, group="new")
    async def _send(self, request: wire.NewCredential) -> None:
        try:
            made = await self._create(request)
        except (EngineError, EngineUnreachable) as error:
            self._say(f"✗ {error.message} {error.hint}".strip(), failed=True)
        else:
            self.dismiss(made)

    @on(Button.Pressed, "#new-cancel")
    def action_cancel(self) -> None:
        self.dismiss(None)

    def _say(self, text: str, failed: bool = False) -> None:
        line = self.query_one("#new-said", Static)
        line.update(clean(text))
        line.set_class(failed, "failed")
