"""The Doctor tab of System: the engine itself, what works on this box and this terminal, and what to do where not."""

import asyncio
import time

from textual import on, work
from textual.app import ComposeResult

from backend import wire
from refact_tui import keymap, words
from refact_tui.client import EngineError, EngineUnreachable
from refact_tui.doctor_terminal import terminal_findings
from refact_tui.rooms.pane import Pane
from refact_tui.signs import clean
from refact_tui.state import EngineState
from refact_tui.widgets.line import Line
from refact_tui.widgets.listing import Cell, Column, Listing, Row
from refact_tui.widgets.tabs import RuleLine

COLUMNS = (Column("CHECK", 10), Column("", 4), Column("FINDING"))
SIGNS: dict[bool | None, Cell] = {True: ("✓ ok", "good"), False: ("✗ no", "bad"), None: ("· –", "muted")}


class DoctorPane(Pane):
    """Looks again when it is opened and when `R` is pressed."""

    def __init__(self, id: str) -> None:
        super().__init__(id=id)
        self._findings: dict[str, wire.Finding] = {}

    def compose(self) -> ComposeResult:
        yield Line("", id="doctor-engine")
        yield Listing(COLUMNS, empty="Looking…", id="doctor-list")
        yield RuleLine(id="doctor-rule")
        yield Line("", id="doctor-remedy")

    def draw(self, state: EngineState) -> None:
        """Show the engine's own lines."""
        engine = state.engine
        if engine is None:
            return
        up = engine.uptime_s + max(0.0, time.monotonic() - state.engine_seen)
        self.query_one("#doctor-engine", Line).update(
            f"engine {clean(engine.version)} · pid {engine.pid} · up {words.uptime(up)}\n"
            f"IDEs    {clean(engine.public_url)}\n"
            f"control {clean(engine.socket)}"
        )

    def opened(self) -> None:
        self._look()

    def act_look(self) -> None:
        """Ask the doctor again."""
        self._look(asked=True)

    def act_copy(self) -> None:
        """Copy the finding under the cursor, with what to do about it."""
        one = self._findings.get(self.query_one(Listing).key or "")
        if one is None:
            self.room.refuse("There is nothing to copy before the engine has answered.")
        else:
            self.room.copy(f"{one.check}: {one.finding}\n{one.remedy}".strip())

    @work(exclusive=True, group="doctor")
    async def _look(self, asked: bool = False) -> None:
        try:
            found = [*self._keys(), *await self.room.client.get("/doctor", list[wire.Finding])]
            found += await asyncio.to_thread(terminal_findings)
        except (EngineError, EngineUnreachable) as error:
            if not self._findings:  # else what was found last stays
                self.query_one(Listing).show([], empty=clean(f"✗ {error.message} {error.hint}".strip()))
            if asked:
                self.room.fail(error)
            return
        self._findings = {f"{number}": finding for number, finding in enumerate(found)}
        rows = [
            Row(key, ((clean(one.check), "plain"), SIGNS[one.ok], (clean(one.finding), "plain")))
            for key, one in self._findings.items()
        ]
        self.query_one(Listing).show(rows)
        self._remedy()
        if asked:
            amiss = sum(one.ok is False for one in found)
            self.app.notify(f"Looked again: {amiss or 'nothing'} of {len(found)} is amiss.", markup=False, timeout=4)

    def _keys(self) -> list[wire.Finding]:
        """What is wrong with this person's own keys, which the engine does not know."""
        remedy = f"Change {keymap.keys_file()}; enter on keys, in Settings, reads it again. docs/keys.md has the names."
        told = self.room.face.keymap.told
        return [wire.Finding(check="keys", ok=False, finding=one, remedy=remedy) for one in told]

    @on(Listing.Moved)
    def _remedy(self) -> None:
        one = self._findings.get(self.query_one(Listing).key or "")
        self.query_one(RuleLine).say(clean(one.check) if one else "")
        said: list[Cell] = [(clean(one.finding), "plain")] if one else []
        said += [(clean(f"→ {one.remedy}"), "busy")] if one and one.remedy else []
        self.query_one("#doctor-remedy", Line).say(said)
