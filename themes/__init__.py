"""Palettes as data: one TOML file a theme, in the words of Textual's `Theme` and a few of our own."""

import tomllib
from importlib.resources import files
from typing import Any

OWN = ("curve-train", "curve-test", "ok", "bad", "warn")
"""Variables every theme sets besides Textual's."""


def names() -> list[str]:
    """The themes there are."""
    return sorted(file.name.removesuffix(".toml") for file in files(__name__).iterdir() if file.name.endswith(".toml"))


def load(name: str) -> dict[str, Any]:
    """Keyword arguments for `textual.theme.Theme`. Raises FileNotFoundError for an unknown name."""
    return {"name": name, **tomllib.loads((files(__name__) / f"{name}.toml").read_text(encoding="utf-8"))}
