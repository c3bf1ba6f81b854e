"""Names that only one machine has, put into neutral ones before a picture is taken, and looked for afterwards."""

import getpass
import re
import socket
from collections.abc import Mapping
from pathlib import Path

from rich.cells import cell_len
from rich.segment import Segment
from textual.color import Color
from textual.filter import LineFilter

BOX_NAME = "gpu-box"
_HOST = socket.gethostname()
PLACES = re.compile(r"(?<![\w.:/])/(?:tmp|home|root|Users|private|var|usr|opt|mnt|media|data|proc|run)\b")
"""How the paths of somebody's machine begin."""


class Neutral(LineFilter):
    """Draws folders of this machine by other names that are no longer; nothing moves."""

    def __init__(self, names: Mapping[str, str]) -> None:
        super().__init__()
        self.names = dict(names)
        assert all(len(shown) <= len(name) for name, shown in names.items())

    def apply(self, segments: list[Segment], background: Color) -> list[Segment]:
        """The same segments, as wide as they were."""
        return [Segment(self._told(one.text), one.style, one.control) for one in segments]

    def _told(self, text: str) -> str:
        told = text
        for name, shown in self.names.items():
            told = told.replace(name, shown)
        return told + " " * (cell_len(text) - cell_len(told))


def places(svg: str) -> list[str]:
    """Beginnings of paths of somebody's machine in a picture."""
    return PLACES.findall(_text(svg))


def strangers(svg: str) -> list[str]:
    """What a picture tells of this machine, which it was taken on; root is somebody everywhere, and a word in code."""
    words = {_HOST, getpass.getuser(), str(Path.home()), str(Path(__file__).parents[2])} - {"/", "root", BOX_NAME}
    text = _text(svg)
    found = [word for word in sorted(words) if re.search(rf"(?<![\w-]){re.escape(word)}(?![\w-])", text)]
    return found + places(svg)


def _text(svg: str) -> str:
    return re.sub(r"<style>.*?</style>", "", svg, flags=re.DOTALL).replace("&#160;", " ")
