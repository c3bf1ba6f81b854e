"""What is on the screen, and patience until something is."""

import asyncio
from collections.abc import Callable
from typing import Any

from textual.pilot import Pilot

from refact_tui.frame import RefactApp
from refact_tui.rooms.room import Room


def screen_text(app: RefactApp) -> str:
    """The screen as a person sees it, without colours."""
    return "\n".join(strip.text.rstrip() for strip in app.screen._compositor.render_strips())


async def until(pilot: Pilot[Any], true: Callable[[], bool], what: str = "") -> None:
    """Wait until it is so, and fail with the screen if it does not come."""
    for _ in range(400):
        if true():
            return
        await pilot.pause()
        await asyncio.sleep(0.01)
    app = pilot.app
    assert isinstance(app, RefactApp)
    raise AssertionError(f"{what or 'it'} did not come:\n{screen_text(app)}")


async def sees(pilot: Pilot[Any], *texts: str) -> None:
    """Wait until all the texts are on the screen."""
    app = pilot.app
    assert isinstance(app, RefactApp)
    for text in texts:
        await until(pilot, lambda text=text: text in screen_text(app), repr(text))  # type: ignore[misc]


def room(app: RefactApp) -> Room:
    """The room in front."""
    found = app.screen_stack[0]
    assert isinstance(found, Room)
    return found


async def press(pilot: Pilot[Any], *names: str) -> None:
    """Keys as a person presses them: each when the one before has taken effect."""
    for name in names:
        await pilot.press(name)
        await pilot.pause()


async def settled(pilot: Pilot[Any]) -> None:
    """Wait until no request is under way and all is painted."""

    def done() -> bool:
        return not any(one.is_running and one.group not in ("feed", "default") for one in pilot.app.workers)

    await until(pilot, done, "rest")
    await pilot.pause(0.1)
