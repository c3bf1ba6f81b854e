"""One line of words that can be clicked: the tabs of the rooms, and the keys at the bottom."""

from dataclasses import dataclass

from rich.cells import cell_len
from textual import events
from textual.content import Content

from refact_tui import keys
from refact_tui.registry import Registry
from refact_tui.widgets.line import Sparing
from refact_tui.widgets.listing import fit

LEAST_PROJECT = 8
"""Cells below which a project's name says nothing."""
PAUSE, GO_ON = "frame.pause", "go on"


@dataclass(frozen=True)
class Piece:
    """Text with a style, and the action a click on it runs."""

    text: str
    style: str = ""
    action: str = ""


class ActionLine(Sparing):
    """Shows pieces side by side and runs the action of the one that is clicked."""

    DEFAULT_CSS = "ActionLine { height: 1; }"

    def __init__(self, noun: str, registry: Registry, id: str) -> None:
        super().__init__(id=id)
        self.noun = noun
        self.registry = registry
        self._pieces: list[Piece] = []

    def on_mount(self) -> None:
        self._draw()

    def on_resize(self) -> None:
        self._draw()

    def learn(self, registry: Registry) -> None:
        """The keys are others from now on."""
        self.registry = registry
        self._draw()

    def pieces(self, width: int) -> list[Piece]:
        """What fits into `width` cells."""
        raise NotImplementedError

    def _draw(self) -> None:
        pieces = self.pieces(self.size.width)
        if pieces != self._pieces:
            self._pieces = pieces
            self.update(Content.assemble(*((piece.text, piece.style) for piece in pieces)))

    async def on_click(self, event: events.Click) -> None:
        at = 0
        for piece in self._pieces:
            at += cell_len(piece.text)
            if event.x < at:
                if piece.action:
                    await self.screen.run_action(piece.action)
                return


class RoomTabs(ActionLine):
    """The rooms by number; the open one is marked."""

    DEFAULT_CSS = "RoomTabs { background: $panel; color: $text-muted; }"

    def __init__(self, noun: str, registry: Registry, id: str) -> None:
        super().__init__(noun, registry, id)
        self._project = ""

    def show(self, project: str) -> None:
        """Name the project at the right end; empty for none."""
        if project != self._project:
            self._project = project
            self._draw()

    def pieces(self, width: int) -> list[Piece]:
        gap = " " if width >= 64 else ""
        made = []
        for room in keys.ROOMS:
            here = room.noun == self.noun
            mark = "▌" if here else " "
            made.append(
                Piece(
                    f"{mark}{self.registry.face(f'frame.{room.noun}')} {room.title}{gap}",
                    "bold $text-primary" if here else "",
                    f"app.room('{room.noun}')",
                )
            )
        space = width - sum(cell_len(piece.text) for piece in made) - 1
        if self._project and space >= LEAST_PROJECT:
            words = f"project: {self._project}"
            words = fit(words if cell_len(words) <= space else self._project, space)
            made += [Piece(" " * (space - cell_len(words))), Piece(words, "$text-accent", "projects")]
        return made


class Hints(ActionLine):
    """The keys of the room on the left, those of every room on the right."""

    DEFAULT_CSS = "Hints { background: $panel; color: $text-muted; }"

    tab: str | None = None
    """The open tab of a room whose keys depend on it."""
    paused = False
    """Whether the screen stands still: then the key that lets it go on is the first to be named."""

    def show_tab(self, tab: str) -> None:
        """Show the keys that work while this tab is open."""
        self.tab = tab
        self._draw()

    def show_paused(self, paused: bool) -> None:
        """Name the key that goes on, or no longer."""
        if paused != self.paused:
            self.paused = paused
            self._draw()

    def pieces(self, width: int) -> list[Piece]:
        known = self.registry.everywhere()
        right = [piece for key in known if key.shown for piece in hint(key)]
        pause = [piece for key in known if key.id == PAUSE for piece in hint(key, GO_ON if self.paused else "")]
        if self.paused:
            right = [*pause, *right]
        room = width - sum(cell_len(piece.text) for piece in right)
        left: list[Piece] = []
        for key in self.registry.of_room(self.noun, self.tab):
            more = hint(key)
            if key.shown and sum(cell_len(piece.text) for piece in (*left, *more)) < room:
                left += more
        space = room - sum(cell_len(piece.text) for piece in left)
        if not self.paused and (taken := sum(cell_len(piece.text) for piece in pause)) < space:
            right, space = [*pause, *right], space - taken
        return [*left, Piece(" " * max(0, space)), *right]


def hint(key: keys.Key, label: str = "") -> list[Piece]:
    """One key with its label, or with another one."""
    label = label or key.label
    return [Piece(f" {key.face}", "bold $text-accent", key.action), Piece(f" {label} ", "", key.action)]
