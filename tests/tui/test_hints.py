"""Sentences name the keys that this person has: none names one by hand, and moving a key changes every one of them."""

import ast
import importlib
import pkgutil
import re
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

import refact_tui
from refact_tui import keys
from refact_tui.frame import RefactApp
from refact_tui.keymap import keys_file, may_move
from refact_tui.registry import AFTER, BEFORE, USUAL, Registry, press
from refact_tui.signs import clean
from tests.tui.pilots import press as presses
from tests.tui.pilots import sees
from tests.tui.stub_engine import EMPTY, StubEngine

HOME = Path(refact_tui.__file__).parent
UNSAID = ("keys.py", "registry.py", "connect.py")
FILES = [
    path
    for path in sorted(HOME.rglob("*.py"))
    if path.parent.name != "cli" and not path.name.endswith("_page.py") and path.name not in UNSAID
]
"""Verbs have no keys, pages and settings for editors are no sentences, and the table of keys is where keys are said."""
ALONE = re.compile(r"(?<![\w.'`\-/+:·=<>{}(])(?:([B-HJ-Zb-z*])(?![\w'’.\-/=+·:])|\(([1-6])\)|([1-6]), then)")
"""A letter or a number of a room that stands by itself within a sentence."""
VALUE = "_"
"""Stands for what an f-string puts in."""
OWN = {
    "j k g G move  h l sideways  esc back",
    "enter go there · n new · d remove · esc back",
    "y _ · n cancel",
    "y copy · esc close",
    "_ · y copies",
    "stopped · y copies",
    "n next place · p previous · ] your own text · esc close",
    "stands still; G follows",
    "j k move · esc close",
}
"""What dialogs and lists say of keys of their own, which cannot be moved."""
NO_KEY = {
    "#room *",
    "first point after ~20 s",
    "_ s",
    "_ B",
    "_ M",
    "Stop what uses it (`ss -ltnp` names it), or: refact-tui engine start --port N",
    '_: it needs a key in quotes, such as "S" or "ctrl+x".',
}
"""Units, and letters that are no keys of a room."""
MOVED = Registry(
    tuple(replace(one, display=f"⟦{one.id}⟧") if may_move(one) else one for one in keys.KEYS),
)


def sentences(path: Path) -> Iterator[str]:
    """The text of a module that may be shown: neither docstrings, nor bindings, nor styles."""
    tree = ast.parse(path.read_text())
    silent: set[int] = set()
    for node in ast.walk(tree):
        if isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant):
            silent.add(id(node.value))
        called = node.func if isinstance(node, ast.Call) else None
        if (isinstance(called, ast.Name) and called.id in ("Binding", "compile")) or getattr(
            called, "attr", ""
        ) == "compile":
            silent |= {id(one) for one in ast.walk(node)}
        targets = [node.target] if isinstance(node, ast.AnnAssign) else getattr(node, "targets", [])
        if any(isinstance(one, ast.Name) and one.id.endswith("CSS") for one in targets):
            silent |= {id(one) for one in ast.walk(node)}
    for node in ast.walk(tree):
        if isinstance(node, ast.JoinedStr) and id(node) not in silent:
            silent |= {id(one) for one in node.values}
            parts = (str(one.value) if isinstance(one, ast.Constant) else VALUE for one in node.values)
            yield "".join(parts)
    for node in ast.walk(tree):
        if isinstance(node, ast.Constant) and isinstance(node.value, str) and id(node) not in silent:
            yield node.value


def named() -> Iterator[tuple[str, str]]:
    """Every action that a module names in a sentence."""
    for path in FILES:
        for node in ast.walk(ast.parse(path.read_text())):
            if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id == "press":
                if isinstance(node.args[0], ast.Constant):
                    yield path.name, str(node.args[0].value)
                else:
                    yield from ((path.name, f"{room.noun}.undo") for room in keys.ROOMS)


def constants() -> Iterator[str]:
    """Every text of a module that names an action."""
    for one in pkgutil.walk_packages(refact_tui.__path__, "refact_tui."):
        if one.name == "refact_tui.__main__":
            continue
        for value in vars(importlib.import_module(one.name)).values():
            for text in value if isinstance(value, tuple | list) else [value]:
                if isinstance(text, str) and BEFORE in text and text != BEFORE:
                    yield text


@pytest.mark.parametrize("path", FILES, ids=lambda path: str(path.relative_to(HOME)))
def test_no_sentence_names_a_key_by_hand(path: Path) -> None:
    known = OWN | NO_KEY
    by_hand = [text for text in sentences(path) if text not in known and " " in text.strip() and ALONE.search(text)]
    assert by_hand == []


@pytest.mark.parametrize(
    "text",
    [
        "Press n to make one",
        "run it again; x stops it first.",
        "There is nothing to do; n adds one.",
        "System (6) says",
        "2, then",
    ],
)
def test_such_a_sentence_would_be_found(text: str) -> None:
    assert ALONE.search(text)


def test_every_action_that_is_named_exists() -> None:
    found = list(named())
    assert len(found) > 40
    assert [one for one in found if one[1] not in USUAL] == []
    with pytest.raises(KeyError):
        press("sources.nwe")


def test_moving_keys_changes_every_sentence() -> None:
    found = list(constants())
    assert len(found) > 15
    for text in found:
        names = re.findall(f"{BEFORE}([^{AFTER}]*){AFTER}", text)
        said = MOVED.told(text)
        assert BEFORE not in said and AFTER not in said
        for name in names:
            assert (f"⟦{name}⟧" in said) == may_move(USUAL[name]), (name, said)


def test_text_from_outside_cannot_name_a_key() -> None:
    hostile = f"a {BEFORE}frame.detach{AFTER} b"
    assert Registry().told(clean(hostile)) == clean(hostile)
    assert "frame.detach" in clean(hostile)


async def test_empty_states_refusals_and_questions_follow_keys_toml(engine: StubEngine) -> None:
    keys_file().parent.mkdir(parents=True, exist_ok=True)
    moved = {
        "sources.new": "A", "frame.scan": "8", "scan.new": "S", "train.new": "B", "train.stop": "X",
        "frame.sources": "7", "system.new": "M", "frame.detach": "Q",
    }  # fmt: skip
    keys_file().write_text("[keys]\n" + "".join(f'{name} = "{key}"\n' for name, key in moved.items()))
    engine.state = EMPTY
    app = RefactApp(engine.paths)
    async with app.run_test(size=(100, 30), notifications=True) as pilot:
        await sees(pilot, "● engine", "Press A and paste a git URL", "Scanning it comes next (8).")
        await presses(pilot, "s")
        await sees(pilot, "There is no source yet; A adds one.")
        await presses(pilot, "ctrl+c")
        await sees(pilot, "Q detaches; the engine keeps running.")
        await presses(pilot, "8")
        await sees(pilot, "Add code first: press 7, then A.")
        await presses(pilot, "3")
        await sees(pilot, "add code (7), then scan it (8).")
        await presses(pilot, "6", "right_square_bracket")
        await sees(pilot, "Press M to make one")


def test_no_mark_reaches_a_screen() -> None:
    screens = list((Path(__file__).parent / "golden").iterdir())
    assert len(screens) > 100
    assert [one.name for one in screens if BEFORE in one.read_text() or AFTER in one.read_text()] == []
