"""Says how long an answer has been waited for, as soon as that is longer than a moment."""

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from textual.widget import Widget

from refact_tui import words

EVERY_S = 1.0
BEHIND = " · "


@contextmanager
def waiting(widget: Widget, text: str, say: Callable[[str], None], at_once: bool = True) -> Iterator[None]:
    """While the context is open `say` gets `text`, at once or not, then each second `text 3s`.

    Who opens it says something else afterwards."""
    began = time.monotonic()
    if at_once:
        say(text)
    timer = widget.set_interval(EVERY_S, lambda: say(f"{text} {words.duration(time.monotonic() - began)}"))
    try:
        yield
    finally:
        timer.stop()


@contextmanager
def waiting_in_title(box: Widget, text: str) -> Iterator[None]:
    """The same behind the title of a dialog's box, which is as it was afterwards."""
    title = str(box.border_title or "").partition(BEHIND)[0]

    def say(told: str) -> None:
        box.border_title = f"{title}{BEHIND}{told}"

    try:
        with waiting(box, text, say, at_once=False):
            yield
    finally:
        box.border_title = title
