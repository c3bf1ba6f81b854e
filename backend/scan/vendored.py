"""Other people's code that lies inside a source, judged by its path relative to the source's root."""

import re
from functools import cache
from importlib import resources


@cache
def _patterns() -> list[re.Pattern[str]]:
    text = resources.files("backend.scan").joinpath("data/vendored.txt").read_text("utf-8")
    return [re.compile(line) for line in text.splitlines() if line and not line.startswith("#")]


@cache
def _any() -> re.Pattern[str]:
    return re.compile("|".join(f"(?:{pattern.pattern})" for pattern in _patterns()))


def vendored(path: str) -> str | None:
    """Which part of the path says so, in words; None for code of one's own."""
    if not _any().search(path):
        return None
    for pattern in _patterns():
        if found := pattern.search(path):
            return f"its path has {found[0].strip('/') or found[0]!r}"
    return None
