"""The last step before the terminal: every segment of every widget in signs that the terminal can show."""

from rich.segment import Segment
from textual.color import Color
from textual.filter import LineFilter

from refact_tui.glyphs import Glyphs


class GlyphFilter(LineFilter):
    """Borders, scrollbars and other people's widgets pass through it like our own words."""

    def __init__(self, glyphs: Glyphs) -> None:
        super().__init__(enabled=glyphs.changes)
        self.glyphs = glyphs

    def apply(self, segments: list[Segment], background: Color) -> list[Segment]:
        """The same segments with other signs."""
        shown = self.glyphs.shown
        return [
            segment if segment.text.isascii() else Segment(shown(segment.text), segment.style, segment.control)
            for segment in segments
        ]
