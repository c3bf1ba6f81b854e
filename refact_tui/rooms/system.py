"""The System room: what works on this box and what to do where it does not, the engine itself, and its log."""

from textual import on, work
from textual.app import ComposeResult
from textual.containers import VerticalScroll

from backend import wire
from refact_tui import words
from refact_tui.client import EngineError, EngineUnreachable
from refact_tui.rooms.room import Room
from refact_tui.signs import clean
from refact_tui.state import EngineState
from refact_tui.widgets.line import Line
from refact_tui.widgets.listing import Cell, Column, Listing, Row
from refact_tui.widgets.tabs import RuleLine
from refact_tui.words_of_runs import log_line

COLUMNS = (Column("CHECK", 10), Column("", 4), Column("FINDING"))
SIGNS: dict[bool | None, Cell] = {True: ("✓ ok", "good"), False: ("✗ no", "bad"), None: ("· –", "muted")}
LOG_EVERY_S = 5.0


class SystemRoom(Room):
    """Looks again when it is opened and when `R` is pressed."""

    def __init__(self) -> None:
        super().__init__()
        self._findings: dict[str, wire.Finding] = {}

    def body(self) -> ComposeResult:
        yield Line("", id="system-engine")
        yield Listing(COLUMNS, empty="Looking…", id="system-doctor")
        yield Line("", id="system-remedy")
        yield RuleLine("engine log", id="system-title")
        with VerticalScroll(id="system-log"):
            yield Line("", id="system-log-text")

    def on_mount(self) -> None:
        self.set_interval(LOG_EVERY_S, self._follow)

    def on_screen_resume(self) -> None:
        self.action_look()

    def draw(self, state: EngineState) -> None:
        """Show the engine's own line."""
        engine = state.engine
        text = (
            ""
            if engine is None
            else (
                f"engine {clean(engine.version)} · pid {engine.pid} · up {words.duration(engine.uptime_s)}\n"
                f"IDEs    {clean(engine.public_url)}\n"
                f"control {clean(engine.socket)}"
            )
        )
        self.query_one("#system-engine", Line).update(text)

    @work(exclusive=True, group="doctor")
    async def action_look(self) -> None:
        """Ask the doctor again."""
        try:
            found = await self.client.get("/doctor", list[wire.Finding])
        except (EngineError, EngineUnreachable) as error:
            self.query_one("#system-doctor", Listing).show([], empty=clean(f"{error.message} {error.hint}"))
            return
        self._findings = {f"{number}": finding for number, finding in enumerate(found)}
        rows = [
            Row(key, ((clean(one.check), "plain"), SIGNS[one.ok], (clean(one.finding), "plain")))
            for key, one in self._findings.items()
        ]
        self.query_one("#system-doctor", Listing).show(rows)
        self._remedy()
        self._follow()

    @on(Listing.Moved, "#system-doctor")
    def _remedy(self) -> None:
        one = self._findings.get(self.query_one("#system-doctor", Listing).key or "")
        self.query_one("#system-remedy", Line).update(clean(f"→ {one.remedy}") if one and one.remedy else "")

    def _follow(self) -> None:
        if self.is_active:
            self._read_log()

    @work(exclusive=True, group="log")
    async def _read_log(self) -> None:
        try:
            lines = await self.client.get("/log", list[wire.LogLine], lines=200)
        except (EngineError, EngineUnreachable):
            return  # the status line says that the engine is away; it is asked again
        box = self.query_one("#system-log", VerticalScroll)
        at_end = box.scroll_offset.y >= box.max_scroll_y
        self.query_one("#system-log-text", Line).update("\n".join(log_line(line) for line in lines))
        if at_end:
            box.scroll_end(animate=False)
