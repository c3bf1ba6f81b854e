"""Words on the screen that are drawn again only when they are others: over a slow line every byte counts."""

from collections.abc import Sequence

from textual.content import Content
from textual.visual import VisualType
from textual.widgets import Static

STYLES = {"plain": "", "muted": "$secondary", "busy": "$text-accent", "good": "$text-success", "bad": "$text-error"}


class Line(Static):
    """A Static, some lines tall, that costs nothing while it says the same; markup is off."""

    def __init__(self, text: VisualType = "", *, id: str | None = None) -> None:
        super().__init__(text, id=id, markup=False)

    def update(self, content: VisualType = "", *, layout: bool = True) -> None:
        """Say this instead, if it is something else."""
        if content != self.content:
            super().update(content, layout=layout)

    def say(self, lines: Sequence[tuple[str, str]]) -> None:
        """Say these lines, each in its tone."""
        self.update(Content.assemble(*((text + "\n", STYLES.get(tone, "")) for text, tone in lines)).rstrip())
