"""Editing the masks: patterns one a line, with a live count of what they would match before they are saved."""

from collections.abc import Awaitable, Callable
from typing import ClassVar

from textual import on, work
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Horizontal, Vertical
from textual.screen import ModalScreen
from textual.timer import Timer
from textual.widgets import Button, Label, Static, TextArea

from backend import wire
from refact_tui import words
from refact_tui.client import EngineError, EngineUnreachable
from refact_tui.signs import clean
from refact_tui.widgets.plain_area import PlainArea

DEBOUNCE_S = 0.3
Masks = tuple[list[str], list[str]]
FIELDS = (
    ("exclude", "exclude: rejected, whatever they are"),
    ("include", "include: accepted, where a guess of ours or a switch says no"),
)


class MasksDialog(ModalScreen[Masks | None]):
    """The result is (include, exclude), or None where nothing is to change."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("escape", "cancel", "cancel", id="masks.cancel", priority=True),
        Binding("ctrl+s", "save", "save", id="masks.save", priority=True),
    ]
    DEFAULT_CSS = """
    MasksDialog {
        align: center middle;
        & > Vertical { width: 72; max-width: 100%; height: auto; border: round $primary; padding: 0 1; }
        & > Vertical { background: $surface; }
        Label { color: $text-muted; }
        TextArea { height: 5; border: none; padding: 0; background: $boost; }
        .masks-said { height: 1; }
        .masks-said.failed { color: $text-error; }
        #masks-buttons { height: 1; margin: 1 0 0 0; }
        #masks-buttons Button { margin: 0 2 0 0; min-width: 12; }
    }
    """

    def __init__(
        self, include: list[str], exclude: list[str], touched: Callable[[list[str]], Awaitable[wire.Touched]]
    ) -> None:
        super().__init__()
        self._now = {"include": include, "exclude": exclude}
        self._touched = touched
        self._counting: dict[str, Timer] = {}

    def compose(self) -> ComposeResult:
        with Vertical() as box:
            box.border_title = "Masks"
            box.border_subtitle = "patterns as in .gitignore · tab next · ctrl+s save · esc cancel"
            for name, label in FIELDS:
                yield Label(label, markup=False)
                text = "\n".join(self._now[name])
                yield PlainArea(text, id=f"masks-{name}", tab_behavior="focus", soft_wrap=False)
                yield Static("", id=f"masks-said-{name}", classes="masks-said", markup=False)
            with Horizontal(id="masks-buttons"):
                yield Button("Save", id="masks-go", variant="primary", compact=True)
                yield Button("Cancel", id="masks-cancel", compact=True)

    @on(TextArea.Changed)
    def _typed(self, event: TextArea.Changed) -> None:
        name = (event.text_area.id or "").removeprefix("masks-")
        if name in self._counting:
            self._counting[name].stop()
        self._counting[name] = self.set_timer(DEBOUNCE_S, lambda: self._count(name))

    @work
    async def _count(self, name: str) -> None:
        patterns = self._patterns(name)
        if not patterns:
            self._say(name, "")
            return
        try:
            found = await self._touched(patterns)
        except (EngineError, EngineUnreachable) as error:
            self._say(name, f"✗ {error.message} {error.hint}".strip(), failed=True)
        else:
            accepted = words.count(found.accepted)
            self._say(name, f"matches {words.plural(found.files, 'file')}, {accepted} of them accepted now")

    def _patterns(self, name: str) -> list[str]:
        lines = self.query_one(f"#masks-{name}", TextArea).text.splitlines()
        return [line.strip() for line in lines if line.strip()]

    def _say(self, name: str, text: str, failed: bool = False) -> None:
        line = self.query_one(f"#masks-said-{name}", Static)
        line.update(clean(text))
        line.set_class(failed, "failed")

    @on(Button.Pressed, "#masks-go")
    def action_save(self) -> None:
        """Hand the masks back."""
        self.dismiss((self._patterns("include"), self._patterns("exclude")))

    @on(Button.Pressed, "#masks-cancel")
    def action_cancel(self) -> None:
        self.dismiss(None)
