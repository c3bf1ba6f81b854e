"""The keys as this person has them: what a room binds, what footer and sentences name, why a key does nothing."""

import re
from dataclasses import dataclass
from typing import Any

from textual.app import App
from textual.binding import Binding
from textual.keys import format_key

from refact_tui import keys
from refact_tui.keys import BY_NOUN, KEYS, Key

MEANINGS = {
    "n": "makes something new",
    "e": "edits",
    "d": "deletes",
    "x": "stops a job",
    "R": "tries again",
    "t": "changes the set of a source",
    "s": "reads a source again",
    "/": "filters a list",
    "m": "edits masks",
    "space": "marks",
    "plus": "includes what is marked",
    "minus": "excludes what is marked",
    "[": "opens the previous tab",
    "]": "opens the next tab",
    "y": "copies",
    "u": "undoes",
    "c": "compares two",
    "E": "exports a checkpoint",
    "L": "opens a log",
}
"""What a letter does wherever it does something: so that it can say so where it cannot."""
USUAL = {key.id: key for key in KEYS}
MEANS = {name: meaning for letter, meaning in MEANINGS.items() for name in keys.names(letter)}
BEFORE, AFTER = "\u2068", "\u2069"
"""Around the name of an action in a sentence: no text from outside has these signs once it is clean."""
IN_WORDS = re.compile(f"{BEFORE}([^{AFTER}]*){AFTER}")


def press(name: str) -> str:
    """The key of an action within a sentence, which `Registry.told` puts there as this person has it.

    Raises KeyError for a name that there is not."""
    return f"{BEFORE}{USUAL[name].id}{AFTER}"


@dataclass(frozen=True)
class Registry:
    """`keys` are those of the table, some perhaps on other keys than usual."""

    keys: tuple[Key, ...] = KEYS

    def of_room(self, noun: str, tab: str | None = None) -> list[Key]:
        """The keys of one room, most useful first; with `tab` only those that work while it is open."""
        return keys.of_room(noun, tab, self.keys)

    def everywhere(self) -> list[Key]:
        """The keys that do the same in every room."""
        return keys.everywhere(self.keys)

    def face(self, name: str) -> str:
        """How the key of an action is printed on a keyboard. Raises StopIteration for a name that there is not."""
        return next(key.face for key in self.keys if key.id == name)

    def told(self, sentence: str) -> str:
        """The sentence with the keys that it names as this person has them."""
        return IN_WORDS.sub(lambda found: self.face(found[1]), sentence) if BEFORE in sentence else sentence

    def doing(self, noun: str, letter: str, tab: str | None = None) -> list[Key]:
        """What a key does in a room; with `tab` while it is open."""
        return [key for key in (*self.of_room(noun, tab), *self.everywhere()) if key.action and letter in key.names]

    def bindings(self, noun: str) -> list[Binding]:
        """Textual's bindings for one room; letters that mean something elsewhere say why they do nothing here."""
        made: dict[str, Binding] = {}
        for key in (*self.of_room(noun), *self.everywhere()):
            # What a key of some tab does is looked up when it is pressed: in another tab it may do something else.
            action = "pressed('{}')" if any(one.tab for one in self._sharing(noun, key)) else key.action
            for letter in key.names if key.action else ():
                made.setdefault(
                    letter, Binding(letter, action.format(letter), key.label, tooltip=key.tooltip, show=False)
                )
        usual = [letter for key in (*keys.of_room(noun), *keys.everywhere()) if key.action for letter in key.names]
        for letter in (*MEANS, *usual):
            made.setdefault(letter, Binding(letter, f"cannot('{letter}')", show=False))
        return list(made.values())

    def _sharing(self, noun: str, key: Key) -> list[Key]:
        return [other for letter in key.names for other in self.doing(noun, letter)]

    def why_not(self, noun: str, letter: str, tab: str | None = None) -> str:
        """Why a letter does nothing in a room, and what would."""
        here = (*self.of_room(noun, tab), *self.everywhere())
        moved = next((key for key in here if letter in USUAL[key.id].names and letter not in key.names), None)
        if moved is not None:
            return f"{format_key(letter)} does nothing here: keys.toml has put {moved.label} on {moved.face}."
        said = ", ".join(f"{key.face} {key.label}" for key in self.of_room(noun, tab) if key.shown)
        title = BY_NOUN[noun].title
        return f"{format_key(letter)} {MEANS[letter]}; there is nothing in {title} it could do that to. Here: {said}."

    def other_tab(self, noun: str, letter: str, tab: str) -> str:
        """Why a key of another tab does nothing while this one is open."""
        key = self.doing(noun, letter)[0]
        return (
            f"{key.face} {key.label} is for {key.tab}, and this is {tab}; {self.face(f'{noun}.tabs')} change the tab."
        )


def told(app: App[Any], sentence: str) -> str:
    """A sentence with the keys of whoever sits before this app; those of the table where it has no keymap."""
    keymap = getattr(app, "keymap", None)
    found: Registry = keymap.registry if keymap is not None else Registry()
    return found.told(sentence)
