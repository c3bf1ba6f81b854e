"""The base of rooms in which something is changed: what the engine refuses is said, what it did can be undone."""

from collections.abc import Awaitable, Callable, Sequence
from typing import TypeVar
from urllib.parse import quote

from textual import work

from backend import wire
from refact_tui.client import EngineError, EngineUnreachable
from refact_tui.dialogs.confirm import Confirm
from refact_tui.registry import press
from refact_tui.rooms.room import Room
from refact_tui.signs import clean

T = TypeVar("T")
PATIENCE_S = 600.0
"""For a source of a million files, whose rows go to the trash and come back."""
Back = Callable[[], Awaitable[object]]
"""Takes a change back. Raises EngineError, EngineUnreachable."""
NOTHING = (
    "Nothing has been changed here that could be undone. What was deleted earlier lies in Trash, "
    f"in System ({press('frame.system')})."
)


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
        """Take the last change back; where nobody answered, it can be tried again."""
        if not self._undo:
            self.refuse(NOTHING)
            return
        what, back = self._undo.pop()
        try:
            await back()
        except EngineUnreachable as error:
            self.remember(what, back)
            self.fail(error)
        except EngineError as error:
            self.fail(error)
        else:
            self.app.notify(f"Undone: {what}", markup=False, timeout=4)

    async def throw(
        self,
        kind: wire.TrashKind,
        name: str,
        path: str,
        text: str,
        *,
        served: Sequence[wire.Serving] = (),
        typed: bool = False,
        verb: str = "Delete",
    ) -> None:
        """Ask, then move what is at `path` to the trash, from where it can be brought back.

        What is served is switched off first, which has to be agreed to by typing the name, and on again with it."""
        safe = clean(name)
        if served:
            hosts = ", ".join(clean(host.model) for host in served)
            text += f"\n! {hosts} serves it now: the base model will answer instead."
        question = Confirm(verb, text, agree=verb, typed=name if typed or served else "")
        if not await self.app.push_screen_wait(question):
            return
        for host in served:
            if await self.tried(self.client.post("/use", wire.Use(mode="off", model=host.model), wire.Used)) is None:
                return
        if await self.tried(self._delete(path)) is not None:
            self.thrown(kind, name, f"{safe} is {verb.lower()}d", served)

    def thrown(
        self, kind: wire.TrashKind, name: str, what: str, served: Sequence[wire.Serving] = (), said: str = ""
    ) -> None:
        """Something is in the trash now: say so, or what else is to be said, and remember how it comes back."""

        async def back() -> None:
            path = f"/trash/{quote(name, safe='')}/restore"
            await self.client.post(path, wire.Restore(kind=kind), dict, timeout_s=PATIENCE_S)
            for host in served:
                await self.client.post("/use", as_before(host), wire.Used)

        self.remember(what, back)
        back_by = press(f"{self.NOUN}.undo")
        said = said or f"{clean(name)} lies in the trash for {wire.TRASH_DAYS} days"
        self.app.notify(f"{said}; {back_by} brings it back.", markup=False, timeout=6)

    async def _delete(self, path: str) -> bool:
        await self.client.delete(path, timeout_s=PATIENCE_S)
        return True

    def action_projects(self) -> None:
        """Go to another project, make one, or remove one."""
        from refact_tui.dialogs.projects import ProjectsDialog

        def left(removed: str | None) -> None:
            if removed is not None:
                self.thrown("project", removed, f"{clean(removed)} is removed")

        self.app.push_screen(ProjectsDialog(self.client), left)


def as_before(host: wire.Serving) -> wire.Use:
    """The request after which a model answers with what it answers with now."""
    checkpoint = host.checkpoint if host.mode == "specific" else None
    return wire.Use(mode=host.mode, checkpoint=checkpoint, model=host.model)
