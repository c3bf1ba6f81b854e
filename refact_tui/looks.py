"""The themes there are, ours and the user's own, the one that suits this terminal, and changes to a file of theirs."""

import os
import tomllib
from pathlib import Path

from textual.app import App
from textual.theme import Theme

import themes
from refact_tui import settings
from refact_tui.registry import press
from refact_tui.signs import clean

EVERY_S = 0.5
"""Between two looks at the user's folder."""
DEFAULT = settings.Settings().theme
Stamps = dict[str, tuple[int, int]]
"""When each file was changed, in ns, and how many bytes it has, by the name of its theme."""


def folder() -> Path:
    """Where the user's own themes lie, beside the settings."""
    return settings.settings_file().parent / "themes"


def few_colours(system: str | None) -> bool:
    """Whether a terminal has no more than sixteen, or is to show none; `system` is as Rich names it."""
    return "NO_COLOR" in os.environ or system in (None, "standard")


class Looks:
    """Registers the themes with an app and keeps them up to date; nothing is drawn in a theme with a mistake."""

    def __init__(self, app: App[str]) -> None:
        self._app = app
        self._seen: Stamps = {}
        self._taken: Stamps = {}
        self.mine: dict[str, str] = {}
        """By the name of each of the user's themes, what is wrong with it, or nothing."""
        self.said: list[str] = []
        """What is to be told once there is a screen to tell it on."""

    def names(self) -> list[str]:
        """Every theme that can be worn."""
        return sorted({*themes.names(), *(name for name in self.mine if self._app.get_theme(name) is not None)})

    def where(self) -> str:
        """The user's folder, as short as it can be said."""
        home = str(Path.home())
        return str(folder()).replace(home, "~", 1) if str(folder()).startswith(home) else str(folder())

    def dress(self) -> None:
        """Register what there is and wear what was chosen, or what this terminal can show."""
        for name in themes.names():
            self._app.register_theme(Theme(**themes.load(name)))
        self._seen = _stamps(folder())
        self._take(self._seen)
        wanted = settings.load().theme
        if wanted not in self.names():
            shows = f"{press('frame.themes')} shows what there is"
            self.said.append(f"There is no theme {clean(wanted)}; {DEFAULT} is worn. {shows}.")
            wanted = DEFAULT
        theme = self._app.get_theme(wanted)
        if few_colours(self._app.console.color_system) and theme is not None and not theme.ansi:
            ground = os.environ.get("COLORFGBG", "").rpartition(";")[2]
            wanted = "16-colours-light" if ground in ("7", "15") else "16-colours"
        self._app.theme = wanted

    def look(self) -> None:
        """Take what has changed in the user's folder, once nobody writes there any more; tell what there is to tell."""
        now = _stamps(folder())
        settled, self._seen = now == self._seen, now
        if settled and now != self._taken:
            self._take(now)
        for sentence in self.said:
            self._app.notify(sentence, severity="warning", markup=False, timeout=8)
        self.said.clear()

    def _take(self, now: Stamps) -> None:
        for name in [*now, *(set(self._taken) - set(now))]:
            if now.get(name) == self._taken.get(name):
                continue
            if name in now:
                self._read(name)
            else:
                self._drop(name)
        self._taken = now

    def _read(self, name: str) -> None:
        """Register a theme of the user's; with a mistake in it the last good one stays."""
        try:
            text = (folder() / f"{name}.toml").read_text(encoding="utf-8")
            palette = themes.parse(name, text, themes.load(_base(text)))
        except (OSError, ValueError) as error:
            sentence = str(error) if isinstance(error, themes.ThemeError) else f"{name}.toml cannot be read: {error}."
            self.mine[name] = clean(sentence)
            self.said.append(clean(sentence))
            return
        self.mine[name] = ""
        self._app.register_theme(Theme(**palette))
        self._refresh(name)

    def _drop(self, name: str) -> None:
        """A theme of the user's is gone; one of ours that it stood before is there again."""
        self.mine.pop(name, None)
        if name in themes.names():
            self._app.register_theme(Theme(**themes.load(name)))
            self._refresh(name)
            return
        if self._app.theme == name:
            self._app.theme = DEFAULT
            self.said.append(f"{clean(name)}.toml is gone; {DEFAULT} is worn.")
        self._app.unregister_theme(name)

    def _refresh(self, name: str) -> None:
        if self._app.is_running and self._app.theme == name:
            self._app.mutate_reactive(App.theme)


def _base(text: str) -> str:
    """The theme of ours that fills what a file leaves out; a mistake in the file is for `themes.parse` to tell."""
    try:
        found = tomllib.loads(text)
    except ValueError:
        return DEFAULT
    light = found.get("dark") is False
    if found.get("ansi") is True:
        return "16-colours-light" if light else "16-colours"
    return "light" if light else DEFAULT


def _stamps(place: Path) -> Stamps:
    try:
        with os.scandir(place) as entries:
            files = [entry for entry in entries if entry.name.endswith(".toml") and entry.is_file()]
            return {
                entry.name.removesuffix(".toml"): (entry.stat().st_mtime_ns, entry.stat().st_size) for entry in files
            }
    except OSError:
        return {}
