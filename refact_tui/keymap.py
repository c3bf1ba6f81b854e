"""A person's own keys: `keys.toml` in the config folder, checked line by line and laid over the table of keys."""

import tomllib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from difflib import get_close_matches
from pathlib import Path
from typing import Any

from textual.keys import Keys, format_key, key_to_character

from refact_tui import keys, settings
from refact_tui.keys import Key
from refact_tui.registry import USUAL, Registry

RESERVED = (
    *("escape", "enter", "tab", "shift+tab", "up", "down", "pageup", "pagedown", "home", "end"),
    *("j", "k", "g", "G", "ctrl+d", "ctrl+u", "ctrl+c", "ctrl+q", "ctrl+p", "ctrl+i", "ctrl+m"),
)
"""What lists, dialogs and the way out bind themselves; ctrl+i and ctrl+m are how a terminal sends tab and enter."""
SPECIAL = frozenset(str(key.value) for key in Keys)
MODIFIERS = frozenset(("ctrl", "alt", "shift"))


@dataclass(frozen=True)
class Keymap:
    """`registry` is what works; `told` has a sentence for each line of the file that does not."""

    registry: Registry = field(default_factory=Registry)
    told: tuple[str, ...] = ()

    @property
    def moved(self) -> int:
        """How many actions are on another key than usual."""
        return sum(key.keys != USUAL[key.id].keys for key in self.registry.keys)


def keys_file() -> Path:
    """Beside the settings."""
    return settings.settings_file().with_name("keys.toml")


def load() -> Keymap:
    """The keys of the file; without one, or where it cannot be read, those of the table."""
    path = keys_file()
    try:
        found = tomllib.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        return Keymap()
    except (OSError, ValueError) as error:
        return Keymap(told=(f"{path} cannot be read, so every key is where it usually is: {error}",))
    table = found.get("keys")
    if not isinstance(table, dict):
        return Keymap(told=(f"{path} changes nothing: its lines belong below one that says [keys].",))
    return over(dict(flat(table)))


def flat(table: Mapping[str, Any], before: str = "") -> Iterator[tuple[str, Any]]:
    """Names and values; TOML reads `sources.new` as a table in a table."""
    for name, value in table.items():
        if isinstance(value, dict):
            yield from flat(value, f"{before}{name}.")
        else:
            yield f"{before}{name}", value


def over(wanted: Mapping[str, Any]) -> Keymap:
    """Actions on the keys that they are wanted on, in the order of the file; what cannot be stays where it is."""
    told: list[str] = []
    moved: dict[str, Key] = {}
    for name, value in wanted.items():
        why = why_not(name, value)
        if why:
            told.append(f"keys.toml: {why}")
        else:
            moved[name] = replace(USUAL[name], keys=value, display=format_key(keys.names(value)[0]))
    while pair := clash(laid(moved)):
        last = next(name for name in reversed(moved) if any(name == key.id for key in pair))
        other = next(key for key in pair if key.id != last)
        told.append(
            f"keys.toml: {last} stays on {USUAL[last].face}, because {moved[last].face} is {other.id} in the same room."
        )
        del moved[last]
    return Keymap(Registry(tuple(paired(laid(moved)))), tuple(told))


def why_not(name: str, value: object) -> str:
    """Why an action cannot be on this key, whatever else there is; empty where it can."""
    usual = USUAL.get(name)
    if usual is None:
        near = get_close_matches(name, USUAL, 1)
        return f"there is no {name}" + (f"; perhaps {near[0]} is meant." if near else "; docs/keys.md has the names.")
    if not may_move(usual):
        return f"{name} stays on {usual.face}, which lists and dialogs bind themselves."
    stays = f"{name} stays on {usual.face}"
    parts = [part.strip() for part in value.split(",")] if isinstance(value, str) else []
    if not parts or not all(parts):
        return f'{stays}: it needs a key in quotes, such as "S" or "ctrl+x".'
    for one in keys.names(",".join(parts)):
        if not is_key(one):
            return f"{stays}: {one} is no key that a terminal sends."
        if one in RESERVED:
            return f"{stays}: {format_key(one)} is kept for moving about, opening and leaving."
    return ""


def may_move(key: Key) -> bool:
    """Whether an action can be put on another key: not where a list or a dialog binds it itself."""
    return key.action != "" and not set(key.names) & set(RESERVED)


def is_key(name: str) -> bool:
    """Whether this is what Textual would call a key; a letter with shift is the capital letter."""
    *modifiers, base = name.split("+")
    known = base in SPECIAL or len(base) == 1 or (base != "" and key_to_character(base) is not None)
    return known and set(modifiers) <= MODIFIERS and not (modifiers == ["shift"] and len(base) == 1)


def laid(moved: Mapping[str, Key]) -> tuple[Key, ...]:
    """The table with these in the place of those of the same name."""
    return tuple(moved.get(key.id, key) for key in keys.KEYS)


def clash(among: tuple[Key, ...]) -> tuple[Key, Key] | None:
    """Two actions on one key in one room, and there in one tab."""
    for room in keys.ROOMS:
        for tab in room.tabs or ("",):
            seen: dict[str, Key] = {}
            for key in (*keys.of_room(room.noun, tab, among), *keys.everywhere(among)):
                for name in key.names:
                    if (other := seen.setdefault(name, key)) is not key:
                        return other, key
    return None


def paired(among: tuple[Key, ...]) -> Iterator[Key]:
    """The same, where the face of one that stands for two, as `[ ]` does, shows both."""
    for key, after in zip(among, (*among[1:], None), strict=True):
        both = after is not None and (key.room, key.tooltip) == (after.room, after.tooltip)
        if after is not None and both and (key != USUAL[key.id] or after != USUAL[after.id]):
            faces = (format_key(one.names[0]) for one in (key, after))
            yield replace(key, display=" ".join(faces))
        else:
            yield key


def template() -> str:
    """A file that changes nothing yet: every action that can be moved, where it is, and what it does."""
    lines = [
        "# Your own keys for refact-tui. Take the # from the front of a line and write another key between the quotes.",
        "# A key has one meaning in a room; docs/keys.md tells how keys are called.",
        "",
        "[keys]",
    ]
    for key in keys.KEYS:
        if may_move(key):
            lines.append(f'# {key.id} = "{key.keys}"  # {key.tooltip}')
    return "\n".join(lines) + "\n"
