"""Words on the screen that are drawn again only when they are others: over a slow line every byte counts."""

from textual.visual import VisualType
from textual.widgets import Static


class Line(Static):
    """A Static, some lines tall, that costs nothing while it says the same; markup is off."""

    def __init__(self, text: VisualType = "", *, id: str | None = None) -> None:
        super().__init__(text, id=id, markup=False)

    def update(self, content: VisualType = "", *, layout: bool = True) -> None:
        """Say this instead, if it is something else."""
        if content != self.content:
            super().update(content, layout=layout)
