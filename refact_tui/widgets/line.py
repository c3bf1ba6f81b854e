"""Words on the screen that are drawn again only where they are others: over a slow line every byte counts."""

from collections.abc import Sequence
from typing import Self

from textual.content import Content
from textual.geometry import Region, Size
from textual.visual import VisualType
from textual.widgets import Static

from refact_tui.registry import told
from refact_tui.widgets.changed import span

STYLES = {"plain": "", "muted": "$secondary", "busy": "$text-accent", "good": "$text-success", "bad": "$text-error"}


class Sparing(Static):
    """A Static, some lines tall, that costs nothing while it says the same; markup is off.

    Words that take as many lines lay nothing out anew, and of a single line only the cells that changed are sent."""

    def __init__(self, text: VisualType = "", *, id: str | None = None) -> None:
        super().__init__(text, id=id, markup=False)
        self._only: Region | None = None
        """While it is updated: the part of its one line that changes."""

    def update(self, content: VisualType = "", *, layout: bool = True) -> None:
        """Say this instead, if it is something else; keys that it names are this person's own."""
        if isinstance(content, str):
            content = told(self.app, content)
        if _same(content, self.content):
            return
        tall = self._tall
        found = span(self.content, content) if tall == 1 else None
        self._only = Region(found[0], 0, max(1, found[1] - found[0]), 1) if found else None
        super().update(content, layout=False)
        self._only = None
        if self._tall != tall or not tall:
            self.refresh(layout=layout and (self.styles.height is None or self.styles.height.is_auto))

    @property
    def _tall(self) -> int:
        """Lines that the words take in the present width; 0 before there is one."""
        return self.get_content_height(Size(), Size(), self.size.width)

    def refresh(self, *regions: Region, repaint: bool = True, layout: bool = False, recompose: bool = False) -> Self:
        """Draw again; where only new words are the reason, only the cells that they change."""
        if self._only is not None:
            regions = (self._only,)
        return super().refresh(*regions, repaint=repaint, layout=layout, recompose=recompose)


class Line(Sparing):
    """Words of which each line has its tone."""

    def say(self, lines: Sequence[tuple[str, str]]) -> None:
        """Say these lines, each in its tone."""
        said = ((told(self.app, text) + "\n", STYLES.get(tone, "")) for text, tone in lines)
        self.update(Content.assemble(*said).rstrip())


def _same(one: VisualType, other: VisualType) -> bool:
    """Content itself compares as equal whatever its colours."""
    if isinstance(one, Content) and isinstance(other, Content):
        return one.is_same(other)
    return type(one) is type(other) and bool(one == other)
