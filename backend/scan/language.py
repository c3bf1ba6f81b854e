"""Which language a file is written in, by its name, its first line and, where that leaves a doubt, its text."""

import re
import tomllib
from functools import cache
from importlib import resources
from typing import Literal

from backend.scan.ambiguous import settle

Kind = Literal["programming", "markup", "data", "prose"]
CODE: frozenset[str] = frozenset({"programming", "markup"})
SHEBANG = re.compile(r"#!\s*(\S+)(?:[ \t]+(.*))?")
MODELINE = re.compile(r"-\*-\s*(?:mode:\s*)?([\w+#-]+)\s*(?:;.*)?-\*-")


@cache
def _tables() -> tuple[dict[str, Kind], dict[str, str], dict[str, str], dict[str, str]]:
    """Kinds by language; languages by file name, by extension and by interpreter."""
    text = resources.files("backend.scan").joinpath("data/languages.toml").read_text("utf-8")
    kinds: dict[str, Kind] = {}
    names: dict[str, str] = {}
    extensions: dict[str, str] = {}
    interpreters: dict[str, str] = {}
    for language, facts in tomllib.loads(text).items():
        kinds[language] = facts["type"]
        for table, key in ((names, "filenames"), (extensions, "extensions"), (interpreters, "interpreters")):
            for entry in facts.get(key, ()):
                table.setdefault(entry if table is names else entry.lower(), language)
    return kinds, names, extensions, interpreters


def kind(language: str) -> Kind:
    """`data` for a language that the table does not know."""
    return _tables()[0].get(language, "data")


def is_code(language: str) -> bool:
    """Programming languages and markup that carries code; data and prose are none."""
    return kind(language) in CODE


def detect(path: str, text: str) -> str | None:
    """The language by Linguist's name, or None where nothing claims the file."""
    _, names, extensions, _ = _tables()
    name = path.rsplit("/", 1)[-1]
    if name in names:
        return names[name]
    if name.startswith(("Dockerfile.", "Containerfile.")):
        return "Dockerfile"
    if name.startswith("Makefile."):
        return "Makefile"
    for extension in _extensions(name):
        if extension in {".C", ".H"}:
            return "C++"
        low = extension.lower()
        if low in extensions:
            return settle(low, text, extensions[low])
    return by_first_line(text) if "." not in name.lstrip(".") else _by_shebang(text)


def _extensions(name: str) -> list[str]:
    """`.d.ts`, then `.ts`: the longest first; a leading dot begins no extension unless nothing else follows."""
    parts = name.split(".")
    return ["." + ".".join(parts[start:]) for start in range(1, len(parts))]


def by_first_line(text: str) -> str | None:
    """By `#!interpreter`, or by an editor's mode line."""
    if found := _by_shebang(text):
        return found
    mode = MODELINE.search(text[:300])
    wanted = mode[1].lower() if mode else ""
    return next((name for name in _tables()[0] if name.lower() == wanted), None) if wanted else None


def _by_shebang(text: str) -> str | None:
    if not text.startswith("#!"):
        return None
    found = SHEBANG.match(text.split("\n", 1)[0])
    if not found:
        return None
    program, rest = found[1].rsplit("/", 1)[-1], (found[2] or "").split()
    if program == "env":
        words = [word for word in rest if not word.startswith("-") and "=" not in word]
        program = words[0].rsplit("/", 1)[-1] if words else ""
    interpreters = _tables()[3]
    program = program.lower()
    return interpreters.get(program) or interpreters.get(re.sub(r"[\d.]+$", "", program))
