"""Pieces of other files that an editor sends along, as comments before the text at the cursor."""

from collections.abc import Iterable

import msgspec

HASH = frozenset(
    {"python", "ruby", "shellscript", "bash", "sh", "perl", "r", "yaml", "toml", "elixir", "make", "julia"}
)
"""Languages, by their editors' names, whose comments begin with `#`."""
DASHES = frozenset({"sql", "lua", "haskell", "ada"})


class Snippet(msgspec.Struct, frozen=True):
    """Lines of another file."""

    body: str
    filepath: str = ""


def commented(snippets: Iterable[Snippet], language: str) -> str:
    """Every line of them as a comment, each piece under its file's name; empty for none."""
    sign = "#" if language.lower() in HASH else "--" if language.lower() in DASHES else "//"
    lines: list[str] = []
    for one in snippets:
        told = [f"Path: {one.filepath}"] if one.filepath else []
        lines += [f"{sign} {line}".rstrip() for line in (*told, *one.body.splitlines())]
    return "".join(f"{line}\n" for line in lines)
