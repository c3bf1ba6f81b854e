"""The About tab of System: versions, licences, and where everything lies, to be read or copied as one text."""

import os
from importlib import metadata

from textual import work
from textual.app import ComposeResult

from backend import wire
from refact_tui import keymap, settings
from refact_tui import words_of_about as say
from refact_tui.client import EngineError, EngineUnreachable
from refact_tui.rooms.pane import Pane
from refact_tui.signs import clean
from refact_tui.widgets.reading import Reading

LOOKING = "Looking…"


class AboutPane(Pane):
    """Asks when it is opened."""

    def __init__(self, id: str) -> None:
        super().__init__(id=id)
        self._text = ""

    def compose(self) -> ComposeResult:
        yield Reading(id="about-text")

    def opened(self) -> None:
        if not self._text:
            self.query_one(Reading).say(LOOKING)
        self._look()

    @work(exclusive=True, group="about")
    async def _look(self) -> None:
        try:
            engine = await self.room.client.get("/about", wire.About)
        except (EngineError, EngineUnreachable) as error:
            self.query_one(Reading).say(clean(f"{error.message} {error.hint}".strip()))
            return
        self._text = say.text(engine, self._screen())
        self.query_one(Reading).say(self._text)

    def _screen(self) -> dict[str, str]:
        """What only the screen knows."""
        face, size = self.room.face, self.app.size
        own = keymap.keys_file()
        return {
            "screen": f"textual {metadata.version('textual')}, theme {self.app.theme}",
            "terminal": f"{os.environ.get('TERM', '')}, {size.width}×{size.height}, drawn in {face.terminal.level}: "
            f"{face.terminal.why}",
            "settings": str(settings.settings_file()),
            "themes": face.looks.where(),
            "keys": str(own) if own.exists() else f"{own} (not there: every key is where it usually is)",
        }

    def act_copy(self) -> None:
        """Copy all of it (OSC 52); it stays on the screen for terminals that cannot."""
        if self._text:
            self.room.copy(self._text, "All that stands here.")
        else:
            self.room.refuse("There is nothing to copy before the engine has answered.")
