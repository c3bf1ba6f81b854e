"""Every class, function and method that others may use says what it is for."""

import ast
import re
from collections import defaultdict

import pytest

from tests.house.tree import modules, public

EXPLAINED = re.compile(
    r"on_\w+|watch_\w+|validate_\w+|render\w*|compose|get_\w+|notify_style_update|can_replace"  # called by Textual
    r"|action_\w+"  # its Binding says on the screen what it does
    r"|readable|readinto|close"  # of io.RawIOBase
)
"""Methods that override what another library documents may go without words of their own, in subclasses only."""


def undocumented(name: str, kept: dict[str, set[str]]) -> list[str]:
    """What of a module has no docstring; `kept`: the documented methods of each class by the class's name."""
    found = []
    for node, owner in public(name):
        called = node.name
        if ast.get_docstring(node) or any(said(one).endswith((".setter", "overload")) for one in node.decorator_list):
            continue
        bases = [said(base).partition("[")[0].rpartition(".")[2] for base in owner.bases] if owner else []
        ours = any(called in kept.get(base, ()) for base in bases)
        if not (ours or (bases and EXPLAINED.fullmatch(called))):
            found.append(f"{name}.{owner.name}.{called}" if owner else f"{name}.{called}")
    return found


def said(node: ast.expr) -> str:
    """An expression as it is written."""
    return ast.unparse(node)


@pytest.fixture(scope="module")
def kept() -> dict[str, set[str]]:
    """Of each class, by its name: the methods that it documents, and those that its bases do."""
    own: dict[str, set[str]] = defaultdict(set)
    above: dict[str, set[str]] = defaultdict(set)
    for tree in modules().values():
        for node in ast.walk(tree):
            if isinstance(node, ast.ClassDef):
                above[node.name] |= {said(base).partition("[")[0].rpartition(".")[2] for base in node.bases}
                own[node.name] |= {
                    one.name
                    for one in node.body
                    if isinstance(one, ast.FunctionDef | ast.AsyncFunctionDef) and ast.get_docstring(one)
                }
    for _ in range(5):
        for name, bases in above.items():
            own[name] |= {method for base in bases for method in own.get(base, ())}
    return own


def test_whatever_is_public_is_documented(kept: dict[str, set[str]]) -> None:
    assert [one for name in modules() for one in undocumented(name, kept)] == []
