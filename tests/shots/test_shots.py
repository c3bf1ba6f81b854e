"""The README shows the pictures that there are, the Makefile makes them, and they tell of nobody's machine."""

import re
from pathlib import Path

import pytest

from tests.shots import FOLDER, NAMES
from tests.shots.bare import bare
from tests.shots.neutral import PLACES, places

ROOT = Path(__file__).parents[2]
MODEST = 150_000
"""Bytes of one picture."""


def test_the_readme_shows_each_picture_once() -> None:
    shown = re.findall(r"\(docs/shots/([^)]+)\)", (ROOT / "README.md").read_text(encoding="utf-8"))
    assert shown == [f"{name}.svg" for name in NAMES]
    assert sorted(shown) == sorted(path.name for path in FOLDER.iterdir())


def test_make_shots_makes_them() -> None:
    target = re.search(r"^shots: install\n((?:\t.*\n)+)", (ROOT / "Makefile").read_text(), re.MULTILINE)
    assert target and "-m tests.shots" in target[1]
    taken = re.findall(r"take\(app, \"(\w+)\"\)", (ROOT / "tests" / "shots" / "__main__.py").read_text())
    assert tuple(taken) == NAMES


@pytest.mark.parametrize("name", NAMES)
def test_a_picture_is_modest_and_tells_of_nobody(name: str) -> None:
    svg = (FOLDER / f"{name}.svg").read_text(encoding="utf-8")
    assert svg.startswith("<svg") and len(svg.encode()) < MODEST
    assert places(svg) == []


def test_what_tells_of_a_machine_is_found() -> None:
    assert PLACES.findall("in /home/ann and /tmp, not a/home or https://x/run") == ["/home", "/tmp"]


def test_blanks_around_words_move_them() -> None:
    one = '<text class="a" x="12.2" y="20" textLength="85.4" clip-path="url(#l)">&#160;&#160;a&#160;&lt;&#160;</text>'
    blank = '<text class="a" x="0" y="20" textLength="24.4" clip-path="url(#l)">&#160;&#160;</text>'
    assert bare(one + blank) == (
        '<text class="a" x="36.6" y="20" textLength="36.6" clip-path="url(#l)">a&#160;&lt;</text>\n'
    )
