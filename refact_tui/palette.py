"""The one palette: every key of the room, every room, every level of signs and every theme, found by name."""

from collections.abc import Iterator
from functools import partial
from typing import TYPE_CHECKING

from textual.app import SystemCommand

from refact_tui import glyphs, keys

if TYPE_CHECKING:
    from refact_tui.frame import RefactApp


def commands(app: "RefactApp", noun: str) -> Iterator[SystemCommand]:
    """What can be done now: first in this room, then anywhere."""
    registry = app.keymap.registry
    for key in (*registry.of_room(noun), *registry.everywhere()):
        if key.action not in ("", "still", "back", "app.command_palette"):
            run = partial(app.run_here, key.action, key.tab)
            yield SystemCommand(f"{key.label}", f"{key.face} · {key.tooltip}", run)
    for room in keys.ROOMS:
        for tab in room.tabs:
            yield SystemCommand(f"{tab.lower()}", f"Open {tab} in {room.title}", partial(app.open_tab, room.noun, tab))
    for level in ("auto", *glyphs.LEVELS):
        about = "What suits the terminal" if level == "auto" else "The signs to draw with, now and from now on"
        yield SystemCommand(f"glyphs {level}", about, partial(app.use_glyphs, level))
    for name in app.looks.names():
        yield SystemCommand(f"theme {name}", "Change the colours, now and from now on", partial(app.use_theme, name))
    yield SystemCommand("another engine", "Attach to one that runs already, by its socket", app.ask_for_engine)
    yield SystemCommand(
        "screenshot",
        "Save this screen as an SVG file in the current folder",
        partial(app.shot, app.paths.home / "screenshots"),
    )
