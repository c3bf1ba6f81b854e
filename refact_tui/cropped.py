"""Of a line that has changed in part only that part is sent; Textual itself sends what stands left of it as well."""

from rich.console import Console, ConsoleOptions, RenderResult
from rich.control import Control
from textual._compositor import ChopsUpdate, CompositorUpdate


class Cropped(CompositorUpdate):
    """What Textual is about to send, cut to the cells that are to be drawn again."""

    def __init__(self, update: ChopsUpdate) -> None:
        self._update = update

    def __rich_console__(self, console: Console, options: ConsoleOptions) -> RenderResult:
        yield from self._update.__rich_console__(console, options)

    def render_segments(self, console: Console) -> str:
        """The bytes for the terminal, as text."""
        told: list[str] = []
        for y, left, right in self._update.spans:
            for end, (x, strip) in zip(self._update.chop_ends[y], self._update.chops[y].items(), strict=False):
                start, stop = max(x, left), min(end, right)
                if strip is not None and start < stop:
                    told += (Control.move_to(start, y).segment.text, strip.crop(start - x, stop - x).render(console))
        return "".join(told)
