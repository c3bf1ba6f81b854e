"""What the program is made of and where everything lies, as the text that a report of a mistake begins with; pure."""

from collections.abc import Mapping

from backend import wire
from refact_tui import words
from refact_tui.signs import clean

PAGES = {
    "docs/architecture.md": "the house on one page",
    "docs/keys.md": "every key, and keys.toml",
    "docs/themes.md": "themes and signs",
    "docs/deploy.md": "systemd, containers, a kiosk account",
    "docs/fim.md": "how middles are asked for",
    "docs/measured.md": "figures",
}
WIDE = 14
"""Cells of the names."""


def text(engine: wire.About, screen: Mapping[str, str]) -> str:
    """All of it, a line each; `screen` has what the engine cannot know, by name."""
    missing = "not installed"
    libraries = ", ".join(f"{name} {version or missing}" for name, version in engine.libraries.items())
    groups: tuple[dict[str, str], ...] = (
        {
            "refact-tui": f"{engine.version}, {engine.licence or 'licence unknown'}",
            **engine.made_of,
            "python": f"{engine.python}; {libraries}",
            "system": engine.system,
        },
        {
            "state folder": f"{engine.home}, {words.size(engine.home_bytes)} on disk, "
            f"{words.size(engine.free_bytes)} free",
            "of it trash": f"{words.size(engine.trash_bytes)}, each thing kept for {wire.TRASH_DAYS} days",
            "database": engine.database,
            "log": engine.log,
            "socket": engine.socket,
            "IDEs": engine.endpoint,
        },
        dict(screen),
        {"pages": ", ".join(f"{name} ({about})" for name, about in PAGES.items())},
    )
    return "\n\n".join("\n".join(_line(name, value) for name, value in group.items()) for group in groups)


def _line(name: str, value: str) -> str:
    return f"{clean(name):<{WIDE}} {clean(value)}"
