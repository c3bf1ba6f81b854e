"""Reads a theme's file and says in a sentence what is wrong with it, before anything is drawn in its colours."""

import re
import tomllib
from collections.abc import Iterable
from difflib import get_close_matches
from typing import Any

Palette = dict[str, Any]
"""Keyword arguments for `textual.theme.Theme`."""

COLOURS = (
    *("background", "surface", "panel", "boost", "foreground"),
    *("primary", "secondary", "accent", "success", "warning", "error"),
)
OWN = ("curve-train", "curve-test")
"""Variables every theme sets besides Textual's."""
VARIABLES = (
    *OWN,
    *("text-muted", "text-disabled", "primary-muted", "border", "border-blurred"),
    *("block-cursor-background", "block-cursor-foreground", "input-cursor-background", "input-cursor-foreground"),
    *("input-selection-background", "input-selection-foreground", "ansi-background", "ansi-foreground"),
)
_HUES = ("black", "red", "green", "yellow", "blue", "magenta", "cyan", "white")
ANSI = ("ansi_default", *(f"ansi_{hue}" for hue in _HUES), *(f"ansi_bright_{hue}" for hue in _HUES))
"""The sixteen colours that every terminal has names for, and the one it writes in."""
_NAME = re.compile(r"[a-z0-9][a-z0-9-]{0,39}")
_COLOUR = re.compile(r"#(?:[0-9a-fA-F]{3}|[0-9a-fA-F]{6})")


class ThemeError(ValueError):
    """What is wrong with a theme's file, in a sentence."""


def parse(name: str, text: str, base: Palette | None = None) -> Palette:
    """The theme that a file of this name (without `.toml`) describes; what it leaves out is as in `base`.

    Raises ThemeError.
    """
    file = f"{name}.toml"
    if not _NAME.fullmatch(name):
        raise ThemeError(f"{file}: a theme's file is named in small letters, digits and dashes, as in my-theme.toml.")
    try:
        found = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise ThemeError(f"{file} is no TOML: {error}.") from None
    _known(file, found, (*COLOURS, "dark", "ansi", "variables"))
    for key in ("dark", "ansi"):
        if not isinstance(found.get(key, False), bool):
            raise ThemeError(f"{file}: {key} is {found[key]!r}; write true or false.")
    variables = found.get("variables", {})
    if not isinstance(variables, dict):
        raise ThemeError(f"{file}: variables is {variables!r}; write a table, [variables].")
    _known(f"{file}, [variables]", variables, VARIABLES)
    ansi = bool(found.get("ansi", False))
    for key, value in (*((key, found[key]) for key in COLOURS if key in found), *variables.items()):
        _colour(file, key, value, ansi)
    filled = {**(base or {}), **found, "name": name}
    filled["variables"] = {**(base or {}).get("variables", {}), **variables}
    if not ansi and "primary-muted" not in variables and {"primary", "background"} & found.keys():
        filled["variables"].pop("primary-muted", None)  # Textual mixes it of the two
    missing = [key for key in (*COLOURS, *OWN) if key not in {**filled, **filled["variables"]}]
    if missing:
        raise ThemeError(f"{file} says nothing of {', '.join(missing)}.")
    filled["variables"]["boost"] = filled["boost"]  # Textual leaves it out where there is a panel
    return filled


def _known(where: str, found: Iterable[str], names: tuple[str, ...]) -> None:
    for key in found:
        if key not in names:
            near = get_close_matches(key, names, 1)
            hint = f"did you mean {near[0]}?" if near else f"there are {', '.join(names)}."
            raise ThemeError(f"{where}: there is no {key!r}; {hint}")


def _colour(file: str, key: str, value: object, ansi: bool) -> None:
    """With `ansi` the terminal's sixteen colours, else red, green and blue: Textual draws either, not both."""
    if ansi and value not in ANSI:
        raise ThemeError(f"{file}: {key} is {value!r}; with ansi = true write ansi_default, ansi_red, ansi_bright_red…")
    if not ansi and not (isinstance(value, str) and _COLOUR.fullmatch(value)):
        raise ThemeError(f"{file}: {key} is {value!r}, which is no colour; write one as #5f97c9.")
