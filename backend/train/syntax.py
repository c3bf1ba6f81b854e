"""Syntactic nodes of a text by tree-sitter, for languages whose grammar is installed (extra `syntax`); torch-free."""

from functools import cache
from importlib import import_module
from importlib.util import find_spec
from typing import Any

from backend.train.fim import Span

GRAMMARS = {
    "C": ("tree_sitter_c", "language"),
    "C#": ("tree_sitter_c_sharp", "language"),
    "C++": ("tree_sitter_cpp", "language"),
    "Go": ("tree_sitter_go", "language"),
    "Java": ("tree_sitter_java", "language"),
    "JavaScript": ("tree_sitter_javascript", "language"),
    "PHP": ("tree_sitter_php", "language_php"),
    "Python": ("tree_sitter_python", "language"),
    "Ruby": ("tree_sitter_ruby", "language"),
    "Rust": ("tree_sitter_rust", "language"),
    "Shell": ("tree_sitter_bash", "language"),
    "TSX": ("tree_sitter_typescript", "language_tsx"),
    "TypeScript": ("tree_sitter_typescript", "language_typescript"),
}
"""Package and function of each language's grammar, by its Linguist name."""
INSTALL = "Install it: `pip install 'refact-tui[syntax]'`."


def installed() -> bool:
    """Whether tree-sitter and all these grammars are there, so that a run makes the same rows wherever they are."""
    return all(find_spec(package) for package in ("tree_sitter", *(package for package, _ in GRAMMARS.values())))


@cache
def parser(language: str) -> Any | None:
    """tree-sitter's parser of a language by its Linguist name, or None where none is installed."""
    package, function = GRAMMARS.get(language, ("", ""))
    if not package or not find_spec("tree_sitter") or not find_spec(package):
        return None
    sitter = import_module("tree_sitter")
    return sitter.Parser(sitter.Language(getattr(import_module(package), function)()))


def around(text: str, language: str, place: int) -> list[Span]:
    """The nodes around a character of `text`, from the innermost out, each span once; none with an error inside."""
    reader = parser(language)
    if reader is None:
        return []
    data = text.encode()
    at = len(text[:place].encode())
    node = reader.parse(data).root_node.named_descendant_for_byte_range(at, at)
    found: list[Span] = []
    while node is not None and node.parent is not None:
        span = len(data[: node.start_byte].decode()), len(data[: node.end_byte].decode())
        if not node.has_error and span not in found[-1:]:
            found.append(span)
        node = node.parent
    return found
