"""Whatever strangers call their things, every screen keeps its size, and what stands beside a name stays there."""

import asyncio
import re
import socket
import tempfile
import unicodedata
from collections.abc import Awaitable, Callable, Sequence
from pathlib import Path

import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st
from rich.cells import cell_len
from rich.console import Console
from textual.app import App, ComposeResult
from textual.pilot import Pilot
from textual.strip import Strip

from backend.paths import Paths
from refact_tui.client import EngineError
from refact_tui.frame import RefactApp
from refact_tui.signs import clean
from refact_tui.widgets.ghost_editor import GhostEditor
from refact_tui.widgets.listing import fit
from refact_tui.widgets.status_line import line_of
from refact_tui.widgets.tabs import ruled
from tests.tui import hostile_names as hostile
from tests.tui.pilots import press, room, sees
from tests.tui.stub_engine import stub

WIDTH, HEIGHT = 100, 30
SGR = re.compile(r"\x1b\[[0-9;]*m")
NEVER = ("Cc", "Cf", "Cs", "Zl", "Zp")
NEXT = "right_square_bracket"
Screen = list[Strip]
Scene = tuple[Sequence[str], str]
SCENES: tuple[Scene, ...] = (
    ((), "ACCEPTED"),
    (("d",), "from this project?"),
    (("escape", "2"), "1–5 of 5"),
    ((NEXT,), "1–5 of 5"),
    (("enter",), "3 lines"),
    (("escape", "3"), "held-out, 100"),
    ((NEXT, NEXT), "target_modules"),
    (("e",), "enter rename"),
    (("escape", "d"), "Delete"),
    (("escape", "4"), "vs BASE"),
    (("E",), "Export"),
    (("escape", "d"), "Delete"),
    (("escape", "5"), "ctrl+space"),
    ((NEXT,), "PLUG-IN"),
    ((NEXT,), "LAST USED"),
    (("d",), "Revoke"),
    (("escape", NEXT), "no prompt and no answer"),
    (("6",), "FINDING"),
    ((NEXT,), "pinned servers"),
    (("enter",), "y copy"),
    (("escape", "d"), "is used by"),
    ((NEXT,), "STATE"),
    (("G", "x"), "It saves first"),
    (("escape", NEXT), "every level"),
    ((NEXT,), "enter changes"),
    (("P",), "enter go there"),
)


@pytest.fixture(autouse=True)
def same_box(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(socket, "gethostname", lambda: "gpu-box")


def intact(app: App[str], screen: Screen, scene: str) -> None:
    """Every line has its width, and no control byte is in what would be written."""
    console = Console(color_system="truecolor", force_terminal=True, legacy_windows=False)
    assert len(screen) == app.size.height, scene
    for strip in screen:
        assert cell_len(strip.text) == strip.cell_length == app.size.width, (scene, strip.text)
        written = SGR.sub("", strip.render(console))
        assert not [one for one in written if unicodedata.category(one) in NEVER], (scene, written)


async def tour(names: Sequence[str], visit: Callable[[RefactApp, str], None], waits: bool = True) -> None:
    """Through all rooms, tabs and questions about a name; `visit` sees each.

    With long names there may be no place for the words that are waited for."""
    with tempfile.TemporaryDirectory() as home:
        async with stub(Path(home)).serve() as engine:
            engine.state, engine.answers = hostile.state(names), hostile.answers(names)
            app = RefactApp(engine.paths)
            app.paths = Paths(Path("/home/ann"))
            async with app.run_test(size=(WIDTH, HEIGHT), notifications=True) as pilot:
                await sees(pilot, "● engine")
                for number, (keys, words) in enumerate(SCENES):
                    app.clear_notifications()
                    await press(pilot, *keys)
                    if waits:
                        await sees(pilot, words)
                    await settled(pilot)
                    visit(app, f"{number}: {words}")
                await press(pilot, "escape")
                room(app).fail(EngineError("failed", f"No: {names[0]}.", f"Try {names[1]}."))
                await sees(pilot, "No:")
                await settled(pilot)
                visit(app, "toast")


async def settled(pilot: Pilot[str]) -> None:
    """Wait until nothing moves any more."""
    seen = ""
    for _ in range(100):
        await pilot.pause()
        await asyncio.sleep(0.03)
        now = "".join(strip.text for strip in lines(pilot.app))
        if now == seen:
            return
        seen = now
    raise AssertionError("the screen never came to rest")


def lines(app: App[str]) -> Screen:
    return list(app.screen._compositor.render_strips())


def grid(strip: Strip) -> list[str]:
    """What stands in each cell; the second cell of something wide is empty."""
    cells: list[str] = []
    for character in strip.text:
        wide = cell_len(character)
        if wide == 0 and cells:
            cells[-1] += character
        cells += [character, *[""] * (wide - 1)] if wide else []
    return cells


def moved(kept: Screen, now: Screen) -> list[str]:
    """The lines on which something beside a name stands elsewhere than beside a tame one."""
    off = []
    for before, after in zip(kept, now, strict=True):
        pairs = list(zip(grid(before), grid(after), strict=True))
        if any(old != new for old, new in pairs if old not in hostile.FILLERS and old != "…"):
            off.append(f"\n{before.text}\n{after.text}")
    return off


@given(hostile.long_names, st.integers(30, 130))
def test_lines_that_are_put_together_have_their_width(names: list[str], width: int) -> None:
    safe = [clean(name) for name in names]
    assert all(cell_len(fit(name, width)) == width for name in safe)
    assert ruled([(safe[0], "bold"), (" ", "")], safe[1], width).cell_length == width
    assert line_of([(safe[0], ""), (safe[1], "")], safe[2], width).cell_length <= width + 3


@pytest.mark.slow
async def test_what_a_model_writes_is_shown_harmless_in_the_editor() -> None:
    class Host(App[str]):
        def compose(self) -> ComposeResult:
            yield GhostEditor("def f():\n", id="editor")

    app = Host()
    async with app.run_test(size=(WIDTH, HEIGHT)) as pilot:
        editor = app.query_one(GhostEditor)
        editor.focus()
        editor.move_cursor(editor.document.end)
        written = "\x1b[2J\u202e" + "".join(hostile.PIECES).replace("\n", "").replace("\r", "")
        assert editor.offer(written, "def f():\n")
        await pilot.pause()
        intact(app, lines(app), "offered")
        await pilot.press("tab")
        await pilot.pause()
        assert "\x1b[2J\u202e" in editor.text
        intact(app, lines(app), "accepted")


def run(coroutine: Awaitable[None]) -> None:
    with asyncio.Runner() as runner:
        runner.run(coroutine)  # type: ignore[arg-type]


PHASES = (Phase.reuse, Phase.generate)
"""A tour takes seconds, and names are told with what they moved: they are not made smaller."""
MANY = settings(max_examples=2, deadline=None, phases=PHASES, suppress_health_check=list(HealthCheck))


@pytest.mark.soak
@pytest.mark.slow
@pytest.mark.timeout(600)
@MANY
@given(hostile.short_names)
def test_what_stands_beside_a_name_stays_there(names: list[str]) -> None:
    kept: dict[str, Screen] = {}
    run(tour(hostile.tame(names), lambda app, scene: kept.update({scene: lines(app)})))

    def compared(app: RefactApp, scene: str) -> None:
        now = lines(app)
        intact(app, now, scene)
        assert not (off := moved(kept[scene], now)), "".join([scene, *off])

    run(tour(names, compared))


@pytest.mark.soak
@pytest.mark.slow
@pytest.mark.timeout(600)
@MANY
@given(hostile.long_names)
def test_long_names_leave_every_screen_intact(names: list[str]) -> None:
    run(tour(names, lambda app, scene: intact(app, lines(app), scene), waits=False))
