"""What this person likes, kept between sessions in a small TOML file of the user's own."""

import os
import tomllib
from dataclasses import asdict, dataclass, fields, replace
from pathlib import Path


@dataclass(frozen=True)
class Settings:
    """Each is kept as text."""

    theme: str = "dark"
    """The name of a file in `themes/`, or in the folder of that name beside this file."""
    glyphs: str = "auto"
    """`braille`, `block` or `ascii`: the signs that are drawn; `auto` asks the terminal's encoding and TERM."""


def settings_file() -> Path:
    """`$XDG_CONFIG_HOME/refact-tui/settings.toml`, else below `~/.config`."""
    config = os.environ.get("XDG_CONFIG_HOME")
    return (Path(config) if config else Path.home() / ".config") / "refact-tui" / "settings.toml"


def load() -> Settings:
    """The settings; what is missing, unreadable or of the wrong kind is as if it had never been set."""
    try:
        found = tomllib.loads(settings_file().read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return Settings()
    known = {one.name for one in fields(Settings)}
    return Settings(**{name: value for name, value in found.items() if name in known and isinstance(value, str)})


def keep(**changed: str) -> None:
    """Change these and leave the rest as it is. Raises OSError."""
    save(replace(load(), **changed))


def save(settings: Settings) -> None:
    """Write the settings whole or not at all. Raises OSError."""
    path = settings_file()
    path.parent.mkdir(parents=True, exist_ok=True)
    lines = "".join(f'{name} = "{value}"\n' for name, value in asdict(settings).items())
    draft = path.with_suffix(f".{os.getpid()}")
    draft.write_text(lines, encoding="utf-8")
    draft.replace(path)
