"""The projects: go to one, make one, remove one."""

from typing import ClassVar

from rich.cells import cell_len
from textual import on, work
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Vertical
from textual.content import Content
from textual.screen import ModalScreen
from textual.widgets import Input, OptionList, Static
from textual.widgets.option_list import Option

from backend import wire
from refact_tui import words
from refact_tui.client import AsyncClient, EngineError, EngineUnreachable
from refact_tui.dialogs.confirm import Confirm
from refact_tui.signs import clean
from refact_tui.widgets.listing import fit

PATIENCE_S = 600.0
"""What a project has goes to the trash with it."""


class ProjectsDialog(ModalScreen[str | None]):
    """What is chosen or made here is shown on every screen; the engine tells them. Returns the name of one removed."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("escape", "back", "back", id="projects.back", priority=True),
        Binding("n", "new", "new", id="projects.new"),
        Binding("d", "remove", "remove", id="projects.remove"),
        Binding("j", "down", "down", show=False),
        Binding("k", "up", "up", show=False),
    ]
    DEFAULT_CSS = """
    ProjectsDialog {
        align: center middle;
        & > Vertical { width: 64; max-width: 100%; height: auto; border: round $primary; padding: 0 1; }
        & > Vertical { background: $surface; }
        OptionList, OptionList:focus { height: auto; max-height: 12; border: none; padding: 0; background: $surface; }
        Input { display: none; margin: 1 0 0 0; }
        Input.-open { display: block; }
        #projects-said { height: auto; color: $text-error; display: none; }
        #projects-said.-open { display: block; }
    }
    """

    def __init__(self, client: AsyncClient) -> None:
        super().__init__()
        self._client = client
        self._projects: list[wire.Project] = []

    def compose(self) -> ComposeResult:
        with Vertical() as box:
            box.border_title = "Projects"
            box.border_subtitle = "enter go there · n new · d remove · esc back"
            yield OptionList(markup=False)
            yield Input(placeholder="the new project's name", compact=True)
            yield Static("", id="projects-said", markup=False)

    def on_mount(self) -> None:
        self._list()

    @work(exclusive=True, group="projects")
    async def _list(self) -> None:
        try:
            self._projects = await self._client.get("/projects", list[wire.Project])
        except (EngineError, EngineUnreachable) as error:
            self._say(f"{error.message} {error.hint}")
            return
        rows = self.query_one(OptionList)
        rows.clear_options()
        rows.add_options([Option(Content(row_of(one))) for one in self._projects])
        rows.highlighted = next((at for at, one in enumerate(self._projects) if one.shown), 0)
        rows.focus()

    @on(OptionList.OptionSelected)
    def _chosen(self, event: OptionList.OptionSelected) -> None:
        self._ask(f"/projects/{self._projects[event.option_index].name}/use")

    @on(Input.Submitted)
    def _named(self, event: Input.Submitted) -> None:
        self._ask("/projects", wire.NewProject(name=event.value.strip()))

    @work(exclusive=True, group="projects")
    async def _ask(self, path: str, body: wire.NewProject | None = None, removed: str | None = None) -> None:
        """Do it; what is shown changes with the engine's word, so there is nothing left to see here."""
        try:
            if removed is not None:
                await self._client.delete(path, timeout_s=PATIENCE_S)
            else:
                await self._client.post(path, body, wire.Project)
        except (EngineError, EngineUnreachable) as error:
            self._say(f"{error.message} {error.hint}")
        else:
            self.dismiss(removed)

    def _say(self, text: str) -> None:
        said = self.query_one("#projects-said", Static)
        said.update(clean(text.strip()))
        said.add_class("-open")

    def action_new(self) -> None:
        """Open the field for a name."""
        field = self.query_one(Input)
        field.add_class("-open")
        field.focus()

    @work
    async def action_remove(self) -> None:
        """Remove the project under the cursor, having asked."""
        at = self.query_one(OptionList).highlighted
        if at is None or at >= len(self._projects):
            return
        one = self._projects[at]
        lost = f"{words.plural(one.sources, 'source')} and what was scanned"
        kept = f" {words.plural(one.runs, 'run')} and their checkpoints move to default." if one.runs else ""
        text = f"Remove {clean(one.name)}: {lost} go to the trash.{kept}\nWhat lies at the sources' locations stays."
        if await self.app.push_screen_wait(Confirm("Remove project", text, "Remove")):
            self._ask(f"/projects/{one.name}", removed=one.name)

    def action_down(self) -> None:
        self.query_one(OptionList).action_cursor_down()

    def action_up(self) -> None:
        self.query_one(OptionList).action_cursor_up()

    def action_back(self) -> None:
        """Close the field, or else the dialog."""
        field = self.query_one(Input)
        if field.has_class("-open"):
            field.remove_class("-open")
            self.query_one(OptionList).focus()
        else:
            self.dismiss(None)


def row_of(project: wire.Project) -> str:
    """One line of the list."""
    mark, name = "▸" if project.shown else " ", clean(project.name)
    holds = f"{words.plural(project.sources, 'source')}, {words.plural(project.files, 'file')}"
    return f"{mark} {fit(name, max(24, cell_len(name)))} {holds}, {words.plural(project.runs, 'run')}"
