"""The keys as this person has them: what a room binds, what the footer shows, and why a key does nothing."""

from dataclasses import dataclass

from textual.binding import Binding
from textual.keys import format_key

from refact_tui import keys
from refact_tui.keys import BY_NOUN, KEYS, MEANINGS, Key

USUAL = {key.id: key for key in KEYS}
MEANS = {name: meaning for letter, meaning in MEANINGS.items() for name in keys.names(letter)}


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
