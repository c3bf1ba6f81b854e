"""A field of some lines of text, typed, pasted or written by a model: what could move the cursor is a sign in it."""

from rich.text import Text
from textual.widgets import TextArea

from refact_tui.signs import one_each


class PlainArea(TextArea):
    """Holds the text as it is and shows it harmless."""

    def get_line(self, line_index: int) -> Text:
        return Text(one_each(self.document.get_line(line_index)), end="", no_wrap=True)
