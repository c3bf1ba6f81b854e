"""What may be asked of a chat model about selected code: the shipped commands, with a user's own over them."""

import re
import tomllib
from functools import lru_cache
from pathlib import Path
from typing import Any

import msgspec

from backend.errors import BadRequest, NotFound

SHIPPED = Path(__file__).parent / "toolbox.toml"
EDITOR_CODE = "```\n%CODE_SELECTION%\n```"
"""What Refact's editors put the selection in the place of."""


class Command(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """One command; the fields are explained in toolbox.toml."""

    ask: str
    title: str = ""
    selection: tuple[int, int] = (1, 50)
    insert: bool = False
    words: bool = False
    system: str = ""
    off: bool = False


class Toolbox(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The commands by name, and the words that every conversation begins with."""

    system: str
    commands: dict[str, Command]


class _Own(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    system: str | None = None
    commands: dict[str, dict[str, Any]] = {}


def read(path: Path) -> Toolbox:
    """The shipped commands with those of the user's file, if there is one. Raises BadRequest saying what is wrong."""
    try:
        stat = path.stat()
    except OSError:
        return _shipped()
    return _read(path, stat.st_mtime_ns, stat.st_size)


@lru_cache(maxsize=1)
def _shipped() -> Toolbox:
    return msgspec.convert(tomllib.loads(SHIPPED.read_text(encoding="utf-8")), Toolbox)


@lru_cache(maxsize=4)
def _read(path: Path, _changed: int, _size: int) -> Toolbox:
    shipped = _shipped()
    try:
        own = msgspec.convert(tomllib.loads(path.read_text(encoding="utf-8")), _Own)
        merged = {name: msgspec.to_builtins(one) for name, one in shipped.commands.items()}
        for name, changes in own.commands.items():
            merged[name] = {**merged.get(name, {"title": name}), **changes}
        commands = msgspec.convert(merged, dict[str, Command])
    except (tomllib.TOMLDecodeError, UnicodeDecodeError, OSError, msgspec.ValidationError) as error:
        raise BadRequest(f"{path} cannot be used: {error}.", "Mend it, or move it away.") from error
    return Toolbox(own.system or shipped.system, {name: one for name, one in commands.items() if not one.off})


def messages(toolbox: Toolbox, name: str, code: str, file: str = "", line: int = 0) -> list[dict[str, str]]:
    """The conversation that asks a command about `code`. Raises NotFound, naming the commands that there are."""
    if name not in toolbox.commands:
        known = ", ".join(toolbox.commands)
        raise NotFound(f"The toolbox has no command called {name!r}.", f"Commands: {known}.")
    command = toolbox.commands[name]
    block = f"```\n{code}\n```" if code else ""
    said = _filled(command.ask, code=block, file=file, line=str(line))
    return [{"role": "system", "content": command.system or toolbox.system}, {"role": "user", "content": said}]


def customization(toolbox: Toolbox) -> dict[str, Any]:
    """The toolbox as refact-lsp reads it, which puts selection, file and line in itself."""
    return {
        "system_prompts": {"default": {"description": "", "text": toolbox.system}},
        "toolbox_commands": {name: _offered(command) for name, command in toolbox.commands.items()},
    }


def _offered(command: Command) -> dict[str, Any]:
    said = _filled(command.ask, code=EDITOR_CODE, file="%CURRENT_FILE%", line="%CURSOR_LINE%")
    fewest, most = command.selection
    system = [{"role": "system", "content": command.system}] if command.system else []
    return {
        "description": command.title,
        "selection_needed": [fewest, most] if fewest else [],
        "selection_unwanted": most == 0,
        "insert_at_cursor": command.insert,
        "messages": [*system, {"role": "user", "content": f"@file %CURRENT_FILE%:%CURSOR_LINE%\n{said}"}],
    }


def _filled(text: str, **values: str) -> str:
    """The words with each name in braces replaced; other braces are a user's own."""
    return re.sub(r"\{(code|file|line)\}", lambda found: values[found[1]], text)
