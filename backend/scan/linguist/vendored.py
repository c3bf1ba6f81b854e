"""Other people's code that lies inside a source, by Linguist's patterns over the path relative to the source's root."""

import re
from functools import cache, lru_cache

from backend.scan.linguist.tables import data

AT_A_NAME = "(^|/)"
"""How most patterns begin."""
OF_THE_WEB = re.compile(r"\b(?:js|css|less|scss|styl|sass)\)?\$?$")
WEB = (".js", ".css", ".less", ".scss", ".styl", ".sass")


def vendored(path: str) -> str | None:
    """Which part of the path says so, in words; None for code of one's own."""
    _, files, web = _rules()
    folder = path[: path.rfind("/") + 1]
    part = _in_folder(folder) if folder else None
    if part is None:
        # Linguist's patterns for scripts and styles are many, and of no other file.
        found = files.search(path) or (web.search(path) if any(end in path for end in WEB) else None)
        part = found[0] if found else None
    if part is None:
        return None
    return f"its path has {part.strip('/') or part!r}, as other people's code has"


@lru_cache(maxsize=4096)
def _in_folder(folder: str) -> str | None:
    found = _rules()[0].search(folder)
    return found[0] if found else None


@cache
def _rules() -> tuple[re.Pattern[str], re.Pattern[str], re.Pattern[str]]:
    """Patterns of folders, of single files, and of what browsers load."""
    every = [line for line in data("vendored.txt").splitlines() if not line.startswith("#")]
    folders = [one for one in every if one.endswith("/")]
    web = [one for one in every if one not in folders and OF_THE_WEB.search(one)]
    files = [one for one in every if one not in folders and one not in web]
    return _any_of(folders), _any_of(files), _any_of(web)


def _any_of(patterns: list[str]) -> re.Pattern[str]:
    """All of them as one; those that begin at a name share that beginning, so they are tried at names only."""
    named = [one.removeprefix(AT_A_NAME) for one in patterns if one.startswith(AT_A_NAME)]
    others = [one for one in patterns if not one.startswith(AT_A_NAME)]
    return re.compile("|".join([f"(?:^|/)(?:{'|'.join(named)})", *others]), re.ASCII)
