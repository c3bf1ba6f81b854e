"""What the house's own tests know of the tree, read from the sources without importing them."""

import ast
from collections.abc import Iterator
from functools import cache
from pathlib import Path

ROOT = Path(__file__).parents[2]
PACKAGES = ("backend", "refact_tui", "themes")
Named = ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef


@cache
def modules() -> dict[str, ast.Module]:
    """Every module and package by its dotted name, as syntax."""
    paths = [path for package in PACKAGES for path in sorted((ROOT / package).rglob("*.py"))]
    return {name_of(path): ast.parse(path.read_text(encoding="utf-8")) for path in paths}


def name_of(path: Path) -> str:
    """The dotted name of a source file; that of its package for an `__init__.py`."""
    return ".".join(path.relative_to(ROOT).with_suffix("").parts).removesuffix(".__init__")


def path_of(name: str) -> Path:
    """The source file of a module or package."""
    plain = ROOT.joinpath(*name.split("."))
    return plain / "__init__.py" if plain.is_dir() else plain.with_suffix(".py")


@cache
def packages() -> tuple[str, ...]:
    """Those of the modules that are folders."""
    return tuple(name for name in modules() if path_of(name).name == "__init__.py")


@cache
def defined(name: str) -> frozenset[str]:
    """What a module itself has at its top: classes, functions, constants."""
    found: set[str] = set()
    for node in modules()[name].body:
        if isinstance(node, Named):
            found.add(node.name)
        elif isinstance(node, ast.Assign | ast.AnnAssign):
            targets = node.targets if isinstance(node, ast.Assign) else [node.target]
            found |= {target.id for target in targets if isinstance(target, ast.Name)}
    return frozenset(found)


@cache
def imports(name: str) -> frozenset[str]:
    """The modules that a module imports, at whatever place in it."""
    found: set[str] = set()
    for node in ast.walk(modules()[name]):
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module:
            found |= {node.module, *(f"{node.module}.{alias.name}" for alias in node.names)}
    return frozenset(one for one in found if one in modules())


@cache
def leads_to(name: str) -> frozenset[str]:
    """What a module imports; what it starts as a process, with what that imports first of all; and the hosted models,
    where it asks the context for them (see `backend.context`)."""
    found = set(imports(name))
    for node in ast.walk(modules()[name]):
        if isinstance(node, ast.Constant) and isinstance(node.value, str):
            begun = [one for one in (node.value, f"{node.value}.__main__") if one in modules()]
            found = found.union(begun, *map(imports, begun))
        elif isinstance(node, ast.Attribute) and node.attr == "hosts":
            found.add("backend.serve.hosting")
    return frozenset(found)


def public(name: str) -> Iterator[tuple[Named, ast.ClassDef | None]]:
    """What others may use of a module: each class, function and method, and the class that it is of."""
    for node in modules()[name].body:
        if isinstance(node, Named) and not node.name.startswith("_"):
            yield node, None
            if isinstance(node, ast.ClassDef):
                yield from ((one, node) for one in node.body if isinstance(one, Named) and not one.name.startswith("_"))
