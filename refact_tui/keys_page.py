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

from refact_tui import dialogs, keymap, keys, rooms, widgets
from refact_tui.rooms.room import Room

HEAD = """# Keys

Made by `make docs` from `refact_tui/keys.py`, from which the footer, the `?` help and the palette come too.
The same letter means the same in every room; where it can do nothing, it says why.

## Your own keys

`~/.config/refact-tui/keys.toml` (or below `$XDG_CONFIG_HOME`) puts actions on other keys, by the names in the tables:

```toml
[keys]
sources.sync = "S"
frame.detach = "ctrl+x"
frame.help = "?,f2"    # either of two
```

It is read when `refact-tui` starts, and when enter is pressed on `keys` in System, Settings, which also writes a
file to begin with. The footer, `?`, the palette and every sentence then name your keys. A line stays without effect
where there is no such action, where two actions of a room would share a key, or where the key is one of those that
lists and dialogs need:
{reserved}.
What was left out and why is said at start and by the doctor in System.
"""


def page() -> str:
    """The whole page in Markdown."""
    parts = [HEAD.format(reserved=", ".join(f"`{one}`" for one in keymap.RESERVED))]
    for room in keys.ROOMS:
        parts += [f"## {room.number} {room.title}\n\n{room.about}\n", table(keys.of_room(room.noun))]
    parts += ["## Everywhere\n", table(keys.everywhere())]
    said = [f"| {where} | {' · '.join(bound)} |" for where, bound in sorted(elsewhere())]
    parts += ["## Dialogs and editors\n", "\n".join(["| where | keys |", "|---|---|", *said, ""])]
    return "\n".join(parts)


def table(known: Iterable[keys.Key]) -> str:
    """A row for each key, with the tab in which it works where there are several, and its name in keys.toml."""
    rows = [f"| `{own_face(key)}` | {key.label} | {plain(key.tooltip)} | {key.tab} | {name(key)} |" for key in known]
    return "\n".join(["| key | | what it does | tab | name |", "|---|---|---|---|---|", *rows, ""])


def plain(text: str) -> str:
    """The text with nothing in it that Markdown would read as its own."""
    return re.sub(r"([*|_<`])", r"\\\1", text)


def own_face(key: keys.Key) -> str:
    """Of one that stands for two in the footer, as `[ ]` does, only its own key."""
    return format_key(key.names[0]) if keymap.may_move(key) else key.face


def name(key: keys.Key) -> str:
    """What the key is called in keys.toml; nothing for one that stays where it is."""
    return f"`{key.id}`" if keymap.may_move(key) else ""


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
