"""The page of keys in docs/, written from the registry and from what the dialogs bind: `make docs`."""

import re
import sys
from collections.abc import Iterable, Iterator
from importlib import import_module
from inspect import getmembers, isclass
from pkgutil import iter_modules

from textual.binding import Binding
from textual.dom import DOMNode
from textual.keys import format_key

from refact_tui import dialogs, keys, rooms, widgets
from refact_tui.rooms.room import Room

HEAD = """# Keys

Made by `make docs` from `refact_tui/keys.py`, from which the footer, the `?` help and the palette come too.
The same letter means the same in every room; where it can do nothing, it says why.
"""


def page() -> str:
    """The whole page in Markdown."""
    parts = [HEAD]
    for room in keys.ROOMS:
        parts += [f"## {room.number} {room.title}\n\n{room.about}\n", table(keys.of_room(room.noun))]
    parts += ["## Everywhere\n", table(keys.everywhere())]
    said = [f"| {where} | {' · '.join(bound)} |" for where, bound in sorted(elsewhere())]
    parts += ["## Dialogs and editors\n", "\n".join(["| where | keys |", "|---|---|", *said, ""])]
    return "\n".join(parts)


def table(known: Iterable[keys.Key]) -> str:
    """A row for each key, with the tab in which it works where there are several."""
    rows = [f"| `{key.face}` | {key.label} | {plain(key.tooltip)} | {key.tab} |" for key in told(known)]
    return "\n".join(["| key | | what it does | tab |", "|---|---|---|---|", *rows, ""])


def plain(text: str) -> str:
    """The text with nothing in it that Markdown would read as its own."""
    return re.sub(r"([*|_<`])", r"\\\1", text)


def told(known: Iterable[keys.Key]) -> Iterator[keys.Key]:
    """Without the second of a pair like `[ ]`, which the first one shows."""
    before = ""
    for key in known:
        if key.tooltip != before:
            yield key
        before = key.tooltip


def elsewhere() -> Iterator[tuple[str, list[str]]]:
    """What dialogs, editors and the like bind themselves: the name in words, and its keys."""
    for package in (dialogs, widgets, rooms):
        for found in iter_modules(package.__path__, f"{package.__name__}."):
            for name, kind in getmembers(import_module(found.name), isclass):
                own = kind.__module__ == found.name and issubclass(kind, DOMNode) and not issubclass(kind, Room)
                bound = [one for one in vars(kind).get("BINDINGS", ()) if isinstance(one, Binding)] if own else []
                if said := [f"`{face(one)}` {one.description}" for one in bound if one.id]:
                    words = re.sub(r"(?<=[a-z])(?=[A-Z])", " ", name.removesuffix("Dialog"))
                    yield words.capitalize(), said


def face(bound: Binding) -> str:
    """The keys as they are printed on a keyboard."""
    return " ".join(format_key(key.strip()) for key in bound.key.split(","))


if __name__ == "__main__":
    sys.stdout.write(page())
