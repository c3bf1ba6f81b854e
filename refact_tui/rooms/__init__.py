"""The six rooms; each is imported when it is first opened."""

from importlib import import_module

from refact_tui.rooms.room import Room


def open_room(noun: str) -> Room:
    """A new room of this noun."""
    room = getattr(import_module(f"refact_tui.rooms.{noun}"), f"{noun.capitalize()}Room")()
    assert isinstance(room, Room)
    return room
