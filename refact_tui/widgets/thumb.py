"""The scrollbar in whole cells: a block that is seen without colours too, and moves only by a whole one."""

from rich.color import Color
from rich.segment import Segment, Segments
from rich.style import Style
from textual.scrollbar import ScrollBarRender

BLOCK, TRACK = "█", " "
DEFAULTS = Color.default()


class Thumb(ScrollBarRender):
    """Textual paints a reversed space, whose ends are eighths of a cell that without colours look like dirt."""

    @classmethod
    def render_bar(
        cls,
        size: int = 25,
        virtual_size: float = 50,
        window_size: float = 20,
        position: float = 0,
        thickness: int = 1,
        vertical: bool = True,
        back_color: Color = DEFAULTS,
        bar_color: Color = DEFAULTS,
    ) -> Segments:
        """`size` cells, of which as many are the thumb as there are of the whole in sight."""
        first, behind = span(size, virtual_size, window_size, position)
        across = thickness if vertical else 1
        track = Style(bgcolor=back_color)
        made = [Segment(TRACK * across, track + Style(meta={"@mouse.down": "scroll_up"}))] * first
        grab = Style(color=bar_color, bgcolor=back_color, meta={"@mouse.down": "grab"})
        made += [Segment(BLOCK * across, grab)] * (behind - first)
        made += [Segment(TRACK * across, track + Style(meta={"@mouse.down": "scroll_down"}))] * (size - behind)
        if vertical:
            return Segments(made, new_lines=True)
        return Segments([*made, Segment.line()] * thickness)


def span(size: int, virtual_size: float, window_size: float, position: float) -> tuple[int, int]:
    """The first cell of the thumb and the one behind it: at an end only where what is scrolled is at its end."""
    hidden = virtual_size - window_size
    if not (window_size and size > 0 and hidden > 0):
        return 0, 0
    tall = max(1, min(size - 1, round(size * window_size / virtual_size))) if size > 1 else 1
    free = size - tall
    share = max(0.0, min(1.0, position / hidden))
    first = round(free * share)
    if free > 1 and 0 < share < 1:
        first = max(1, min(free - 1, first))
    return first, first + tall
