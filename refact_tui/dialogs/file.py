"""One scanned file: its text, the lines that surprised the model, and the reason of its verdict in words."""

from collections.abc import Awaitable, Callable
from typing import ClassVar

from textual import work
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.screen import ModalScreen
from textual.widgets import Static

from backend import wire
from refact_tui import words
from refact_tui.client import EngineError, EngineUnreachable
from refact_tui.signs import clean
from refact_tui.widgets.code_view import CodeView
from refact_tui.widgets.tabs import RuleLine
from refact_tui.words_of_scan import changed, verdict


class FileDialog(ModalScreen[None]):
    """`fetch` asks the engine for the preview; `threshold` (nats) is where a line counts as surprising."""

    BINDINGS: ClassVar[list[BindingType]] = [Binding("escape,q,enter", "close", "back", id="file.close")]
    DEFAULT_CSS = """
    FileDialog {
        background: $background;
        #file-head { height: auto; max-height: 5; padding: 0 1; background: $panel; }
        #file-foot { height: 1; padding: 0 1; background: $panel; color: $text-muted; }
    }
    """

    def __init__(self, fetch: Callable[[], Awaitable[wire.FilePreview]], threshold: float) -> None:
        super().__init__()
        self._fetch, self._threshold = fetch, threshold

    def compose(self) -> ComposeResult:
        yield Static("…", id="file-head", markup=False)
        yield RuleLine(id="file-rule")
        yield CodeView(id="file-text")
        yield Static("j k g G move  h l sideways  esc back", id="file-foot", markup=False)

    def on_mount(self) -> None:
        self._load()

    @work
    async def _load(self) -> None:
        head = self.query_one("#file-head", Static)
        try:
            found = await self._fetch()
        except (EngineError, EngineUnreachable) as error:
            head.update("✗ " + clean(f"{error.message} {error.hint}".strip()))
            return
        file = found.file
        lines = clean(found.text, lines=True).split("\n") if found.text else []
        if lines and not lines[-1]:
            lines.pop()
        surprising = sum(1 for loss in found.line_losses if loss is not None and loss > self._threshold)
        sign = "✓" if file.verdict == "accepted" else "✗"
        facts = [clean(file.source), clean(file.language or "no language"), words.size(file.size)]
        if file.loss is not None:
            facts.append(f"loss {file.loss:.2f}")
        if file.set:
            facts.append(file.set)
        if file.commits_ago is not None:
            facts.append(changed(file.commits_ago))
        said = [clean(file.path), " · ".join(facts), f"{sign} {verdict(file)}"]
        if file.warnings:
            said.append("! " + clean("; ".join(file.warnings)))
        if found.note:
            said.append(clean(found.note))
        head.update("\n".join(said))
        note = f"! {words.plural(surprising, 'surprising line')}, over {self._threshold:g} nats" if surprising else ""
        self.query_one(RuleLine).say(words.plural(len(lines), "line"), note)
        view = self.query_one(CodeView)
        view.show(lines, found.line_losses, self._threshold)
        view.focus()

    def action_close(self) -> None:
        self.dismiss(None)
