"""Keys that come in one burst land where a person who types slowly would put them."""

from collections.abc import AsyncIterator

import pytest
from textual import events
from textual.app import ComposeResult
from textual.pilot import Pilot
from textual.screen import Screen
from textual.widgets import Button, Input, TextArea

from refact_tui import in_order
from refact_tui.frame import RefactApp
from refact_tui.widgets.choice import Choice
from refact_tui.widgets.ghost_editor import GhostEditor
from tests.tui.pilots import until
from tests.tui.stub_engine import StubEngine

NAMES = {"\t": "tab", "\v": "shift+tab", " ": "space"}


class Form(Screen[None]):
    """Two fields, a choice, an editor that wants its tab, and one that wants it only for what is on offer."""

    def compose(self) -> ComposeResult:
        yield Input(id="one")
        yield Input(id="two")
        yield Choice(("this", "that"))
        yield TextArea("", id="code", tab_behavior="indent")
        yield GhostEditor("", id="ghost")
        yield Button("Go")


@pytest.fixture
async def app(engine: StubEngine) -> AsyncIterator[RefactApp]:
    """The app with the form in front."""
    app = RefactApp(engine.paths)
    async with app.run_test() as pilot:
        await app.push_screen(Form())
        app.screen.query_one("#one").focus()
        await pilot.pause()
        yield app


def burst(app: RefactApp, *typed: str) -> None:
    """All keys at once, as they come from a line that was slow; a text in brackets is pasted."""
    for text in typed:
        if text.startswith("["):
            app.post_message(events.Paste(text[1:-1]))
            continue
        for sign in text:
            app.post_message(events.Key(NAMES.get(sign, sign), None if sign in NAMES and sign != " " else sign))


async def settled(app: RefactApp) -> None:
    """Wait until nothing is kept and all has been done."""
    pilot = Pilot[str](app)
    await until(pilot, lambda: app._waiting is None and not app._kept, "the end of the burst")
    await pilot.pause()


async def test_text_behind_a_tab_lands_behind_it(app: RefactApp) -> None:
    burst(app, "ann\t600\v!", "\t", "[x y]")
    await settled(app)
    assert app.screen.query_one("#one", Input).value == "!"  # shift+tab marks what was there
    assert app.screen.query_one("#two", Input).value == "x y"


async def test_what_came_before_a_tab_stays_before_it(app: RefactApp) -> None:
    burst(app, "\t\t \tz\tq")
    await settled(app)
    assert app.screen.query_one(Choice).chosen == 1
    assert app.screen.query_one("#code", TextArea).text == "z   q"


async def test_a_part_that_wants_its_tab_gets_it(app: RefactApp) -> None:
    editor = app.screen.query_one(GhostEditor)
    editor.focus()
    await settled(app)
    burst(app, "re")
    await settled(app)
    assert editor.offer("turn 1", "re")
    burst(app, "\t;\t\vx")
    await settled(app)
    assert editor.text == "return 1;x"


async def test_a_part_that_goes_away_with_its_tab_is_not_waited_for(
    app: RefactApp, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(in_order, "PATIENCE_S", 0.01)
    monkeypatch.setattr(Button, "on_passed", lambda self, message: message.stop(), raising=False)
    app.screen.query_one(Button).focus()
    await settled(app)
    burst(app, "\tann")
    await settled(app)
    assert app.screen.query_one("#one", Input).value == "ann"
