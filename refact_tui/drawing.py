"""How the app draws: in signs and colours that its terminal can show, and of a changed line only what has changed."""

import os
import socket
from collections.abc import Sequence
from pathlib import Path

from rich.console import RenderableType
from textual._compositor import ChopsUpdate
from textual.filter import LineFilter
from textual.screen import Screen
from textual.scrollbar import ScrollBar

import themes
from refact_tui import glyphs, settings
from refact_tui.cropped import Cropped
from refact_tui.glyph_filter import GlyphFilter
from refact_tui.signs import clean
from refact_tui.telling import Telling
from refact_tui.widgets.thumb import Thumb


class Drawing(Telling):
    """An app whose picture suits the terminal and the line that it goes over."""

    def __init__(self) -> None:
        super().__init__(ansi_color=True if "NO_COLOR" in os.environ else None)
        ScrollBar.renderer = Thumb
        if os.environ.get("SSH_CONNECTION"):
            self.animation_level = "none"
        self.wear(settings.load().glyphs)

    def wear(self, choice: str) -> None:
        """Draw in the signs of this level from now on, or in those that suit the terminal."""
        self.terminal = glyphs.here(choice)
        self.glyphs = glyphs.Glyphs(self.terminal.level, self.terminal.encoding)
        self._glyph_filter = GlyphFilter(self.glyphs)

    def get_line_filters(self) -> Sequence[LineFilter]:
        """What everything that is drawn passes through, the signs last."""
        filters = super().get_line_filters()
        return [*filters, self._glyph_filter] if self._glyph_filter.enabled else filters

    def _display(self, screen: Screen[object], renderable: RenderableType | None) -> None:
        super()._display(screen, Cropped(renderable) if isinstance(renderable, ChopsUpdate) else renderable)

    def get_theme_variable_defaults(self) -> dict[str, str]:
        """Our own colours, for themes that do not set them."""
        found: dict[str, str] = themes.load("dark")["variables"]
        return found

    def use_theme(self, name: str) -> None:
        """Change the colours and remember them."""
        self.theme = name
        try:
            settings.keep(theme=name)
        except OSError as error:
            self.notify(f"The theme is not remembered: {error}", severity="warning", markup=False)

    def shot(self, elsewhere: Path) -> None:
        """Save the screen as SVG in the current folder, or `elsewhere` where one may not write there."""
        folder = Path.cwd() if os.access(".", os.W_OK) else elsewhere
        try:
            folder.mkdir(parents=True, exist_ok=True, mode=0o700)
            path = self.save_screenshot(path=str(folder))
        except OSError as error:
            self.notify(clean(f"No screenshot: {error}"), severity="error", markup=False)
        else:
            self.copy_to_clipboard(path)
            self.notify(f"Saved on {clean(socket.gethostname())}: {clean(path)}", markup=False, timeout=8)
