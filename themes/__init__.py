"""Palettes as data: one TOML file a theme, in the words of Textual's `Theme` and a few of our own."""

from importlib.resources import files

from themes.checking import OWN, Palette, ThemeError, parse

__all__ = ["OWN", "Palette", "ThemeError", "load", "names", "parse"]


def names() -> list[str]:
    """The themes that come with the program."""
    return sorted(file.name.removesuffix(".toml") for file in files(__name__).iterdir() if file.name.endswith(".toml"))


def load(name: str) -> Palette:
    """Keyword arguments for `textual.theme.Theme`. Raises FileNotFoundError for an unknown name."""
    return parse(name, (files(__name__) / f"{name}.toml").read_text(encoding="utf-8"))
