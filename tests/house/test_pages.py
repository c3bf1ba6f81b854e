"""The pages for people name only what is there: sentences that are said, keys that work, files that exist."""

import ast
import re
from functools import cache
from itertools import chain
from pathlib import Path

import pytest
from textual.keys import format_key

from refact_tui import keys
from tests.house.tree import ROOT, modules

PAGES = (ROOT / "README.md", *sorted((ROOT / "docs").glob("*.md")))
ROOMS = (ROOT / "docs" / "rooms.md").read_text(encoding="utf-8")
TROUBLE = (ROOT / "docs" / "troubleshooting.md").read_text(encoding="utf-8")
HOLE = "\N{REPLACEMENT CHARACTER}"
"""Stands for a value within a sentence of the code."""
NAMED = {"enter", "space", "esc", "tab"}


@cache
def sentences() -> str:
    """Every text in the code, a line each, with a hole for each value in it."""
    texts = []
    for tree in modules().values():
        for node in ast.walk(tree):
            if isinstance(node, ast.JoinedStr):
                parts = [one.value if isinstance(one, ast.Constant) else HOLE for one in node.values]
                texts.append("".join(map(str, parts)))
            elif isinstance(node, ast.Constant) and isinstance(node.value, str):
                texts.append(re.sub(r"\{[^{}]*\}", HOLE, node.value))
    return "\n".join(text.replace("\n", " ") for text in texts)


def quoted() -> list[str]:
    """The sentences of the first column."""
    rows = [line.split(" | ")[0] for line in TROUBLE.splitlines() if line.startswith('| "')]
    return [found[1] for row in rows if (found := re.fullmatch(r'\| "(.+)"', row))]


@pytest.mark.parametrize("sentence", quoted())
def test_what_is_quoted_is_said(sentence: str) -> None:
    pieces = [re.escape(piece.strip()) for piece in sentence.split("…") if piece.strip(" .")]
    assert max(map(len, pieces)) > 8, "too little to find it by"
    assert re.search(rf"[^\n]*?{HOLE}[^\n]*?".join(pieces), sentences()), "nothing says so"


def test_every_row_is_quoted_or_seen() -> None:
    rows = [line for line in TROUBLE.splitlines() if line.startswith("| ") and not line.startswith(("| you", "| the"))]
    assert len(quoted()) > 40 and len(rows) == len(quoted()) + 1  # of signs that cannot be shown nobody says anything


def section(noun: str) -> str:
    """What the page says of a room."""
    room = keys.BY_NOUN[noun]
    return ROOMS.partition(f"\n## {room.number} {room.title}\n")[2].partition("\n## ")[0]


def faces(key: keys.Key) -> set[str]:
    """How a key may be written."""
    return {key.face, *key.face.split(), *map(format_key, key.names)}


@pytest.mark.parametrize("noun", [room.noun for room in keys.ROOMS])
def test_a_room_tells_of_its_own_keys_and_of_no_others(noun: str) -> None:
    spans = re.findall(r"`([^`]+)`", section(noun))
    assert spans, "no section"
    told = set(chain.from_iterable({span, *span.split()} for span in spans))
    own, dialogs = keys.of_room(noun), {"ctrl+t"}
    for key in own:
        alike = [one for one in own if one.tooltip == key.tooltip]
        assert told & set(chain.from_iterable(map(faces, alike))), f"{key.id} is not told of"
    known = set(chain.from_iterable(map(faces, (*own, *keys.everywhere())))) | dialogs
    pressed = [span for span in spans if len(span) == 1 or span in NAMED or ("+" in span and " " not in span)]
    assert [span for span in pressed if span not in known] == []


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_links_lead_somewhere(page: Path) -> None:
    text = re.sub(r"```.*?```", "", page.read_text(encoding="utf-8"), flags=re.DOTALL)
    for target in re.findall(r"\]\(([^)\s]+)\)", text):
        path, _, place = target.partition("#")
        if target.startswith("http"):
            continue
        aim = (page.parent / path).resolve() if path else page
        assert aim.exists(), target
        if place:
            headings = re.findall(r"(?m)^#+ (.+)$", aim.read_text(encoding="utf-8"))
            assert place in {re.sub(r"[^\w -]", "", one.lower()).replace(" ", "-") for one in headings}, target
