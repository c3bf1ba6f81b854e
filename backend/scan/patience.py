"""A limit of processor time for each of many texts: patterns over one that is made for it may take hours."""

import signal
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from types import FrameType


class TooSlow(Exception):
    """The time is over."""


@contextmanager
def patience(seconds: float) -> Iterator[Callable[[], None]]:
    """What it yields is called before each text, and from then on TooSlow comes once that time is spent.

    Only a process's main thread can be interrupted; in another one there is no limit."""
    if threading.current_thread() is not threading.main_thread():
        yield lambda: None
        return
    before = signal.signal(signal.SIGVTALRM, _over)
    try:
        yield lambda: _again(seconds)
    finally:
        _again(0)
        signal.signal(signal.SIGVTALRM, before)


def _again(seconds: float) -> None:
    signal.setitimer(signal.ITIMER_VIRTUAL, seconds)


def _over(number: int, frame: FrameType | None) -> None:
    raise TooSlow
