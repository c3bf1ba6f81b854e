"""Adding code: one input that says at once what it takes the pasted text for, before anything is added."""

from collections.abc import Awaitable, Callable, Sequence
from typing import ClassVar

from textual import on, work
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Horizontal, Vertical
from textual.screen import ModalScreen
from textual.timer import Timer
from textual.widgets import Button, Input, Label, Static

from backend import wire
from refact_tui.client import EngineError, EngineUnreachable
from refact_tui.registry import press, told
from refact_tui.signs import clean
from refact_tui.widgets.waiting import waiting
from refact_tui.words_of_sources import SET_WORDS, next_set

DEBOUNCE_S = 0.2
HINT = "git URL, https link, or a folder, archive or file on this box"
NO_KEY = f"none; System ({press('frame.system')}) makes them for private repositories"
FIELDS = (
    ("what", "what", HINT),
    ("name", "name", "chosen for you"),
    ("branch", "branch", "the default one"),
    ("key", "key", NO_KEY),
)


class AddSourceDialog(ModalScreen[wire.Source | None]):
    """`understand` and `add` ask the engine, which has `keys`; the result is the source that was added, if one was."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("escape", "cancel", "cancel", id="add.cancel"),
        Binding("ctrl+t", "cycle", "set", id="add.set", priority=True),
    ]
    DEFAULT_CSS = """
    AddSourceDialog {
        align: center middle;
        & > Vertical { width: 76; max-width: 100%; height: auto; max-height: 100%; }
        & > Vertical { border: round $primary; padding: 0 1; background: $surface; }
        .add-field { height: 1; }
        .add-field Label { width: 9; color: $text-muted; }
        .add-field Input { width: 1fr; border: none; height: 1; padding: 0 1; background: $boost; }
        .add-field Input:focus { background: $primary-muted; }
        #add-set { padding: 0 1; }
        #add-said { height: auto; min-height: 2; margin: 1 0 0 0; }
        #add-said.failed { color: $text-error; }
        #add-buttons { height: 1; margin: 1 0 0 0; }
        #add-buttons Button { margin: 0 2 0 0; min-width: 12; }
    }
    """

    def __init__(
        self,
        understand: Callable[[str], Awaitable[wire.Understood]],
        add: Callable[[wire.AddSource], Awaitable[wire.Source]],
        keys: Sequence[str] = (),
    ) -> None:
        super().__init__()
        self._keys = keys
        self._understand, self._add = understand, add
        self._set: wire.SetName = "auto"
        self._timer: Timer | None = None

    def compose(self) -> ComposeResult:
        with Vertical() as box:
            box.border_title = "Add code"
            box.border_subtitle = "enter add · tab next · ctrl+t set · esc cancel"
            for name, label, hint in FIELDS:
                with Horizontal(classes="add-field"):
                    yield Label(label, markup=False)
                    known = f"none, or {', '.join(map(clean, self._keys))}" if name == "key" and self._keys else hint
                    yield Input(placeholder=told(self.app, known), id=f"add-{name}")
            with Horizontal(classes="add-field"):
                yield Label("set", markup=False)
                yield Static(SET_WORDS[self._set], id="add-set", markup=False)
            yield Static("", id="add-said", markup=False)
            with Horizontal(id="add-buttons"):
                yield Button("Add", id="add-go", variant="primary", compact=True)
                yield Button("Cancel", id="add-cancel", compact=True)

    def action_cycle(self) -> None:
        """Put it into the next set."""
        self._set = next_set(self._set)
        self.query_one("#add-set", Static).update(SET_WORDS[self._set])

    @on(Input.Changed, "#add-what")
    def _typed(self) -> None:
        if self._timer is not None:
            self._timer.stop()
        self._timer = self.set_timer(DEBOUNCE_S, self._look)

    @work(exclusive=True, group="add")
    async def _look(self) -> None:
        what = self._value("what")
        if not what:
            self._say("")
            return
        try:
            with waiting(self, "Looking…", self._say, at_once=False):
                found = await self._understand(what)
        except (EngineError, EngineUnreachable) as error:
            self._say(f"? {error.message} {error.hint}".strip())
        else:
            self.query_one("#add-name", Input).placeholder = clean(found.name)
            self._say(f"✓ {found.sentence}")

    @on(Input.Submitted)
    @on(Button.Pressed, "#add-go")
    def _submit(self) -> None:
        if not self._value("what"):
            self._say(f"Paste a {HINT}.", failed=True)
            self.query_one("#add-what", Input).focus()
            return
        self._send()

    @work(exclusive=True, group="add")
    async def _send(self) -> None:
        request = wire.AddSource(
            what=self._value("what"),
            name=self._value("name") or None,
            branch=self._value("branch") or None,
            credential=self._value("key") or None,
            set=self._set,
        )
        try:
            with waiting(self, "Adding…", self._say):
                source = await self._add(request)
        except (EngineError, EngineUnreachable) as error:
            self._say(f"✗ {error.message} {error.hint}".strip(), failed=True)
        else:
            self.dismiss(source)

    @on(Button.Pressed, "#add-cancel")
    def action_cancel(self) -> None:
        self.dismiss(None)

    def _value(self, name: str) -> str:
        return self.query_one(f"#add-{name}", Input).value.strip()

    def _say(self, text: str, failed: bool = False) -> None:
        line = self.query_one("#add-said", Static)
        line.update(clean(text))
        line.set_class(failed, "failed")
