"""docs/architecture.md and docs/modules.md tell of the tree that is there."""

import re
from fnmatch import fnmatchcase
from itertools import pairwise
from pathlib import Path

import pytest

from tests.house.modules_page import page
from tests.house.tree import ROOT, defined, leads_to, modules, packages

MAP = (ROOT / "docs" / "architecture.md").read_text(encoding="utf-8")
PROSE = re.sub(r"(?m)^    .*\n", "", MAP)
"""Without the pictures."""
SPAN = re.compile(r"`([^`]+)`")
DOTTED = re.compile(r"[A-Za-z_]\w*(\.\w+)*")
PATTERN = re.compile(r"[\w.]*\*[\w.]*")
TOP = ("backend", "refact_tui", "themes")


def blocks() -> list[tuple[str, str]]:
    """Each paragraph, list item and row of a table, with the package that it begins with, if it does."""
    found = []
    for block in re.split(r"\n(?=[-|#\n])", PROSE):
        first = SPAN.search(block.partition("\n")[0][:40])
        near = next((one for one in TOP if first and first[1].startswith(f"{one}/")), "")
        inner = folder(first[1]) if first and first[1].endswith("/") else None
        found.append((inner or near, block))
    return found


def folder(span: str) -> str | None:
    """The package that `name/` means, by its dotted name."""
    name = span.strip("/").replace("/", ".")
    return next((one for one in (name, *(f"{top}.{name}" for top in TOP)) if one in packages()), None)


def module(span: str, near: str = "") -> str | None:
    """The module that a name means, seen from the package `near`; None where it means none."""
    return next((one for one in seen_from(span, near) if one in modules()), None)


def seen_from(name: str, near: str) -> list[str]:
    """The dotted names that a name may stand for, the nearest first."""
    return [f"{place}.{name}" for place in (near, *TOP) if place] + [name]


def exists(span: str, near: str) -> bool:
    """Whether there is a package, module, pattern of some, or something in a module or in the repository so named."""
    if span.endswith("/"):
        return folder(span) is not None or bool(near and f"{near}.{span[:-1]}" in packages()) or (ROOT / span).is_dir()
    if PATTERN.fullmatch(span):
        return any(fnmatchcase(one.rpartition(".")[2], span) for one in modules())
    if module(span, near) or (ROOT / span).exists():
        return True
    owner, _, name = span.rpartition(".")
    if owner:
        holder = module(owner, near)
        return holder is not None and name in defined(holder)
    return any(name in defined(one) for one in modules())


@pytest.mark.parametrize(("near", "block"), blocks())
def test_every_name_on_the_map_is_there(near: str, block: str) -> None:
    for span in SPAN.findall(block):
        if span.endswith("/") or DOTTED.fullmatch(span) or PATTERN.fullmatch(span):
            assert exists(span, near) or span in OF_OTHERS, f"the map names {span}"
            inside = module(span, near)
            near = inside.rpartition(".")[0] if inside and "." in span else near


OF_OTHERS = {"sys.modules", ".tcss", "make soak", "make bench"}


def test_every_package_and_every_module_at_the_top_is_on_the_map() -> None:
    spans = set(SPAN.findall(PROSE))
    patterns = [one for one in spans if PATTERN.fullmatch(one)]
    missing = [one for one in packages() if one.rpartition(".")[2] + "/" not in spans]
    for name in set(modules()) - set(packages()):
        top, _, rest = name.partition(".")
        if top in TOP and "." not in rest and not (rest in spans or any(fnmatchcase(rest, one) for one in patterns)):
            missing.append(name)
    assert missing == []


def test_every_module_has_its_sentence_beside_the_map() -> None:
    said = (ROOT / "docs" / "modules.md").read_text(encoding="utf-8")
    assert said == page(), "run `make docs`"
    linked = {Path(one).as_posix() for one in re.findall(r"\]\(\.\./([\w/]+\.py)\)", said)}
    there = {path.relative_to(ROOT).as_posix() for top in TOP for path in (ROOT / top).rglob("*.py")}
    assert {one for one in there if not one.endswith("/__init__.py")} == linked


def walks() -> list[tuple[str, list[list[str]]]]:
    """Each walk: its name, and its steps, each the modules that it names."""
    found = []
    for item in re.split(r"\n- ", PROSE.partition("## Four walks")[2])[1:]:
        name, _, path = re.split(r"\.\s+(?=[A-Z`])", item)[0].partition(":")
        near, steps = "backend", []
        for step in path.split("→"):
            here = []
            for span in SPAN.findall(step):
                if one := module(span, near) or module(span.rpartition(".")[0], near):
                    near = one.rpartition(".")[0]
                    here.append(one)
            steps.append(here)
        found.append((name.strip("* "), steps))
    return found


def acquainted(one: str, other: str) -> bool:
    """Whether one of two imports the other or starts it as a process, or a third does so with both of them."""
    if knows(one, other) or knows(other, one):
        return True
    return any(knows(third, one) and knows(third, other) for third in modules())


def knows(one: str, other: str) -> bool:
    """Whether a module leads to another, or to something in it where that is a package."""
    return any(aim == other or (other in packages() and aim.startswith(f"{other}.")) for aim in leads_to(one))


def test_there_are_four_walks() -> None:
    assert [name for name, _ in walks()] == ["A file", "A model", "A completion", "A keystroke"]
    assert all(sum(map(bool, steps)) >= 4 for _, steps in walks())


@pytest.mark.parametrize(("name", "steps"), walks())
def test_who_hands_on_to_whom_knows_of_it(name: str, steps: list[list[str]]) -> None:
    for step, following in pairwise(steps):
        if step and following:
            assert any(acquainted(one, following[0]) for one in step), (name, step, following)
        for beside in step[1:]:
            assert any(acquainted(one, beside) for one in step if one != beside), (name, step[0], beside)
