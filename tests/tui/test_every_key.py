"""No key is pressed for nothing: on an engine that holds nothing, each one changes the screen or says why it cannot."""

import asyncio

import pytest
from textual.pilot import Pilot
from textual.widgets import Input, TextArea

from refact_tui import keys
from refact_tui.frame import RefactApp
from refact_tui.rooms.room import Room
from refact_tui.rooms.tabbed import TabbedRoom
from tests.tui.pilots import press, sees, until
from tests.tui.stub_engine import StubEngine

PLACES = [(room.noun, tab) for room in keys.ROOMS for tab in room.tabs or ("",)]
LEAVES = "frame.detach"
STANDS = {("Settings", "k"), ("Settings", "g")}
"""There are always settings, and the cursor is on the first of them."""
GROUND_S = 0.01
"""How long the screen has to be as it was, before a key is pressed."""


def seen(app: RefactApp) -> list[object]:
    """The screen with its colours, the part that has the focus, and what is told."""
    strips = app.screen._compositor.render_strips()
    return [type(app.screen), app.focused, len(app._notifications), [list(strip) for strip in strips]]


async def ground(pilot: Pilot[str], app: RefactApp, noun: str, tab: str) -> list[object]:
    """Back to the room and tab as they were opened, with nothing told and nothing on its way."""
    for _ in range(5):
        if isinstance(app.screen, Room) and not isinstance(app.focused, Input | TextArea):
            break
        await press(pilot, "escape")
    if app.current_mode != noun:
        await app.switch_mode(noun)
    room = app.screen
    assert isinstance(room, Room)
    if isinstance(room, TabbedRoom):
        room.show_tab(tab)
    await pilot.pause()
    if room.first_part is not None:
        room.first_part.focus()
    before: list[object] = []
    for _ in range(100):
        app.clear_notifications()
        await pilot.pause(GROUND_S)
        now = seen(app)
        if now == before:
            return now
        before = now
    raise AssertionError(f"{noun} {tab} does not come to rest")


@pytest.mark.parametrize(("noun", "tab"), PLACES)
async def test_each_key_does_something_or_says_why_not(engine: StubEngine, noun: str, tab: str) -> None:
    app = RefactApp(engine.paths)
    silent = []
    async with app.run_test(size=(100, 30), notifications=True) as pilot:
        await sees(pilot, "● engine")
        for key in (*keys.of_room(noun, tab or None), *keys.everywhere()):
            for name in key.names if key.id != LEAVES else ():
                if (tab, name) in STANDS:
                    continue
                before = await ground(pilot, app, noun, tab)
                await pilot.press(name)
                for _ in range(40):
                    if seen(app) != before:
                        break
                    await asyncio.sleep(0.01)
                    await pilot.pause()
                else:
                    silent.append((key.id, name))
    assert silent == []


async def test_the_way_back_ends_somewhere_and_says_so(engine: StubEngine) -> None:
    app = RefactApp(engine.paths)
    async with app.run_test(notifications=True) as pilot:
        await sees(pilot, "● engine")
        await press(pilot, "/", "escape")
        await until(pilot, lambda: not isinstance(app.focused, Input), "the way back to the list")
        assert not app._notifications
        await press(pilot, "escape")
        await sees(pilot, "There is no step back from here; q leaves.")
        await press(pilot, "1")
        await sees(pilot, "Sources is open already.")
