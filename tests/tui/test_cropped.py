"""What is sent is less than Textual would send, and the terminal shows the same for it."""

import re
from typing import Any

import msgspec
from rich.cells import cell_len
from rich.console import RenderableType
from textual._compositor import ChopsUpdate, CompositorUpdate
from textual.screen import Screen

from refact_tui.cropped import Cropped
from refact_tui.frame import RefactApp
from tests.tui import tuning_samples as samples
from tests.tui.pilots import press, screen_text, sees, until
from tests.tui.samples import JOB, SOURCES
from tests.tui.stub_engine import StubEngine

CODE = re.compile(r"\x1b\[([0-9;]*)([A-Za-z])")


class Terminal:
    """Cells, and a cursor that goes where it is told."""

    def __init__(self, width: int, height: int) -> None:
        self.cells = [[" "] * width for _ in range(height)]

    def feed(self, sent: str) -> None:
        """Draw what was sent, without its colours."""
        x = y = at = 0
        for code in [*CODE.finditer(sent), None]:
            for letter in sent[at : code.start() if code else None].replace("\n", ""):
                wide = cell_len(letter)
                if not wide:
                    self.cells[y][x - 1] += letter
                else:
                    self.cells[y][x : x + wide] = [letter, *[""] * (wide - 1)]
                x += wide
            if code is not None:
                at = code.end()
                if code[2] == "H":
                    y, x = (int(number) - 1 for number in code[1].split(";"))

    @property
    def text(self) -> str:
        return "\n".join("".join(line).rstrip() for line in self.cells)


class Sent(RefactApp):
    """Draws on a terminal of its own what the real one is sent."""

    picture = Terminal(100, 30)
    sent = whole = 0

    def _display(self, screen: Screen[object], renderable: RenderableType | None) -> None:
        plain: Any = renderable
        if isinstance(plain, CompositorUpdate):
            update = Cropped(plain) if isinstance(plain, ChopsUpdate) else plain
            text = update.render_segments(self.console)
            self.sent += len(text)
            self.whole += len(plain.render_segments(self.console))
            self.picture.feed(text)
        super()._display(screen, renderable)


async def test_the_terminal_shows_what_is_on_the_screen(engine: StubEngine) -> None:
    engine.state, engine.answers = msgspec.structs.replace(samples.STATE, jobs=[JOB]), samples.answers()
    app = Sent(engine.paths)
    async with app.run_test(size=(100, 30)) as pilot:

        async def agrees(*texts: str) -> None:
            await sees(pilot, *texts)
            await until(pilot, lambda: app.picture.text.rstrip() == screen_text(app).rstrip(), "the same picture")

        await agrees("billing-api")
        await press(pilot, "j", "j", "j", "k", "j")
        engine.publish("job", msgspec.structs.replace(JOB, done=77, eta_s=3, message="克隆 cloning"))
        await agrees("77%", "克隆")
        engine.publish("source", msgspec.structs.replace(SOURCES[0], name="改名 renamed", files=7))
        await agrees("改名 renamed")
        await press(pilot, "3")
        await agrees("40/100", "trainer started", "▪")
        app.sent = app.whole = 0
        for step in (41, 55, 99):
            run = msgspec.structs.replace(samples.RUN, step=step, eta_s=100.0 - step, tokens_per_s=999.0 * step)
            engine.publish("run", run)
            await agrees(f"{step}/100")
        assert 0 < app.sent < app.whole / 2
        await press(pilot, "p")
        await agrees("‖ paused")
        await press(pilot, "right_square_bracket", "n")
        await agrees("Plan a run")
