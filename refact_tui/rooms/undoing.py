"""The base of rooms in which something is changed: what the engine refuses is said, what it did can be undone."""

from collections.abc import Awaitable, Callable
from typing import TypeVar
from urllib.parse import quote

from textual import work

from backend import wire
from refact_tui.client import EngineError, EngineUnreachable
from refact_tui.dialogs.confirm import Confirm
from refact_tui.rooms.room import Room
from refact_tui.signs import clean

T = TypeVar("T")
Back = Callable[[], Awaitable[object]]
"""Takes a change back; its answer is None where the engine refused."""


class Undoing(Room):
    """Remembers its changes, the last one first."""

    def __init__(self) -> None:
        super().__init__()
        self._undo: list[tuple[str, Back]] = []

    def remember(self, what: str, back: Back) -> None:
        """`what` names a change in words that `back` takes back."""
        self._undo.append((what, back))

    async def tried(self, asking: Awaitable[T]) -> T | None:
        """What the engine answered; None where it did not agree, which has been said."""
        try:
            return await asking
        except (EngineError, EngineUnreachable) as error:
            self.fail(error)
            return None

    @work(group="change")
    async def action_undo(self) -> None:
        """Take the last change back."""
        if not self._undo:
            self.refuse("Nothing has been changed here that could be undone.")
            return
        what, back = self._undo.pop()
        if await back() is not None:
            self.app.notify(f"Undone: {what}", markup=False, timeout=4)

    async def throw(self, name: str, path: str, text: str, served: list[wire.Serving], typed: bool = False) -> None:
        """Ask, then move what is at `path` to the trash, from where `u` brings it back.

        What is served is switched off first, which has to be agreed to by typing the name."""
        safe = clean(name)
        if served:
            hosts = ", ".join(clean(host.model) for host in served)
            text += f"\n! {hosts} serves it now: the base model will answer instead."
        question = Confirm("Delete", text, agree="Delete", typed=name if typed or served else "")
        if not await self.app.push_screen_wait(question):
            return
        for host in served:
            if await self.tried(self.client.post("/use", wire.Use(mode="off", model=host.model), wire.Used)) is None:
                return
        if await self.tried(self._delete(path)) is None:
            return
        back = f"/trash/{quote(name, safe='')}/restore"
        self.remember(f"{safe} is deleted", lambda: self.tried(self.client.post(back, None, dict)))
        self.app.notify(f"{safe} lies in the trash for two weeks; u brings it back.", markup=False, timeout=6)

    async def _delete(self, path: str) -> bool:
        await self.client.delete(path)
        return True
