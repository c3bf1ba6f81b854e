"""Other people's code that lies inside a source, by Linguist's patterns over the path relative to the source's root."""

import re
from functools import cache

from backend.scan.linguist.tables import data


@cache
def _patterns() -> tuple[str, ...]:
    return tuple(line for line in data("vendored.txt").splitlines() if not line.startswith("#"))


@cache
def _any() -> re.Pattern[str]:
    return re.compile("|".join(_patterns()), re.ASCII)


def vendored(path: str) -> str | None:
    """Which part of the path says so, in words; None for code of one's own."""
    found = _any().search(path)
    if not found:
        return None
    return f"its path has {found[0].strip('/') or found[0]!r}, as other people's code has"
