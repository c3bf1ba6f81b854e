"""Middles: whatever the text, its parts give it back, and what is asked for is what an IDE would ask for."""

import re
import sys
from functools import partial
from pathlib import Path
from random import Random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from backend.train import syntax
from backend.train.fim import BLOCK_LINES, LONGEST, MIX, Nodes, Split, lines_of, split
from backend.train.places import first_line, similarity

LINES = st.text(alphabet="ab :=().\t\n\r\u2028é😀{}", max_size=400)
CODE = """\
class Box:
    size = 3

    def grow(self, by):
        if by > 0:
            self.size += by

            self.drawn = False
        return self.size


def main():
    Box().grow(2)
"""


def splits(text: str, kind: str, nodes: Nodes | None = None) -> list[Split]:
    """All splits of a kind in a few hundred."""
    found = (split(text, Random(seed), nodes) for seed in range(600))
    return [parts for parts in found if parts and parts.kind == kind]


@settings(deadline=None)
@given(LINES | st.text(max_size=400), st.integers(0, 10_000), st.booleans())
def test_the_parts_give_back_the_text_and_the_middle_says_something(text: str, seed: int, parsed: bool) -> None:
    parts = split(text, Random(seed), partial(syntax.around, text, "Python") if parsed else None)
    if parts is None:
        return
    assert parts.prefix + parts.middle + parts.suffix == text
    assert parts.middle.strip()
    assert len(parts.middle) <= LONGEST
    assert parts == split(text, Random(seed), partial(syntax.around, text, "Python") if parsed else None)


@settings(deadline=None)
@given(st.text(alphabet=" \t\n\r", max_size=40), st.integers(0, 100))
def test_nothing_is_asked_for_where_there_is_nothing(text: str, seed: int) -> None:
    assert split(text, Random(seed)) is None


@settings(deadline=None)
@given(LINES)
def test_lines_are_those_of_an_editor(text: str) -> None:
    assert "".join(lines_of(text)) == text
    assert len(lines_of(text)) == text.count("\n") + (not text.endswith("\n") and text != "")


def test_the_mix_is_as_documented() -> None:
    assert sum(MIX.values()) == 100
    page = (Path(__file__).parents[2] / "docs" / "fim.md").read_text()
    told = {name: int(share) for name, share in re.findall(r"^\| `(\w+)` \| (\d+) %", page, re.MULTILINE)}
    assert told == MIX
    text = CODE * 8
    found = [split(text, Random(seed), partial(syntax.around, text, "Python")) for seed in range(2000)]
    for kind, share in MIX.items():
        asked = sum(parts is not None and parts.kind == kind for parts in found) / len(found)
        assert abs(asked - share / 100) < 0.05, kind


def test_whole_lines_begin_after_their_indentation() -> None:
    for kind in ("whole_line", "lines"):
        for parts in splits(CODE, kind):
            indentation = parts.prefix.rpartition("\n")[2]
            assert indentation.strip() == ""
            assert not parts.middle[0].isspace()
            assert parts.suffix.startswith("\n")
    assert {parts.middle.count("\n") for parts in splits(CODE, "whole_line")} == {0}
    assert max(parts.middle.count("\n") for parts in splits(CODE, "lines")) > 3


def test_the_rest_of_a_line_ends_where_it_ends() -> None:
    found = splits(CODE, "rest_of_line")
    assert all("\n" not in parts.middle and parts.suffix.startswith("\n") for parts in found)
    assert {"+= by", "size", "grow(2)"} <= {parts.middle for parts in found}


def test_a_block_is_a_body_or_a_statement_with_its_body() -> None:
    found = {parts.middle for parts in splits(CODE, "block")}
    body = "self.size += by\n\n            self.drawn = False"
    assert {body, f"if by > 0:\n            {body}", "Box().grow(2)", "def main():\n    Box().grow(2)"} <= found
    assert all(parts.suffix in ("", "\n") or parts.suffix.startswith("\n") for parts in splits(CODE, "block"))


@pytest.mark.parametrize(
    ("text", "whole"),
    [
        ("if (a) {\n\tb();\n\tc();\n}\nd();\n", "if (a) {\n\tb();\n\tc();\n}"),
        ("loop do\n  b\nend\nd\n", "loop do\n  b\nend"),
        ("<ul>\n  <li/>\n</ul>\n", "<ul>\n  <li/>\n</ul>"),
    ],
)
def test_a_statement_holds_the_line_that_closes_it(text: str, whole: str) -> None:
    found = {parts.middle for parts in splits(text, "block")}
    assert whole in found
    inside = whole.split("\n", 1)[1].rpartition("\n")[0].strip()
    assert inside in found


def test_blocks_that_are_too_large_are_not_cut_short() -> None:
    text = "def f():\n" + "    go()\n" * 60 + "\ndef g():\n    stop()\n"
    assert {parts.middle for parts in splits(text, "block")} == {"stop()", "def g():\n    stop()"}
    assert all(parts.middle.count("\n") < BLOCK_LINES for parts in splits(text, "lines"))


def test_a_node_is_a_whole_piece_of_syntax() -> None:
    pytest.importorskip("tree_sitter_python")
    text = "# é😀\n" + CODE + "total = sum(box.size for box in boxes)\n"
    found = {parts.middle for parts in splits(text, "node", partial(syntax.around, text, "Python"))}
    assert {"sum(box.size for box in boxes)", "box.size for box in boxes", "(self, by)", "self.size += by"} & found
    assert {"def main():\n    Box().grow(2)", "total = sum(box.size for box in boxes)"} & found
    assert all(middle == middle.strip() for middle in found)


def test_a_node_with_a_fault_inside_is_not_asked_for() -> None:
    pytest.importorskip("tree_sitter_python")
    text = "def f(:\n    x = (1 +\n"
    assert all("(:" not in text[begin:end] for place in range(len(text)) for begin, end in _around(text, place))


def _around(text: str, place: int) -> list[tuple[int, int]]:
    return syntax.around(text, "Python", place)


def test_every_language_with_a_grammar_is_parsed() -> None:
    pytest.importorskip("tree_sitter")
    samples = {
        "PHP": "<?php\nfunction f($a) {\n  return $a;\n}\n",
        "Python": "def f(a):\n    return a\n",
        "Ruby": "def f(a)\n  return a\nend\n",
        "Shell": "f() {\n  return a\n}\n",
        "Go": "package p\nfunc f(a int) int {\n\treturn a\n}\n",
        "Rust": "fn f(a: i32) -> i32 {\n    return a;\n}\n",
        "TypeScript": "function f(a: number): number {\n  return a;\n}\n",
        "TSX": "function f(a: number) {\n  return a;\n}\n",
        "JavaScript": "function f(a) {\n  return a;\n}\n",
        "Java": "class A {\n  int f(int a) {\n    return a;\n  }\n}\n",
        "C#": "class A {\n  int f(int a) {\n    return a;\n  }\n}\n",
    }
    for language in syntax.GRAMMARS:
        text = samples.get(language, "int f(int a) {\n  return a;\n}\n")
        found = {
            text[begin:end].strip(";").replace("$", "")
            for begin, end in syntax.around(text, language, text.index("return"))
        }
        assert "return a" in found, language


def test_without_tree_sitter_a_node_is_a_block_by_indentation(monkeypatch: pytest.MonkeyPatch) -> None:
    syntax.parser.cache_clear()
    monkeypatch.setattr(syntax, "find_spec", lambda name: None)
    assert not syntax.installed()
    assert syntax.parser("Python") is None
    assert syntax.around(CODE, "Python", 3) == []
    syntax.parser.cache_clear()
    kinds = {parts.kind for seed in range(300) if (parts := split(CODE, Random(seed)))}
    assert kinds == set(MIX) - {"node"}


def test_the_engine_asks_for_tree_sitter_without_importing_it() -> None:
    before = {name for name in sys.modules if name.startswith("tree_sitter")}
    syntax.installed()
    assert {name for name in sys.modules if name.startswith("tree_sitter")} == before


def test_an_answer_counts_up_to_the_end_of_its_line() -> None:
    assert first_line("x + 1  \nmore") == "x + 1"
    assert similarity("abcd", "abcd") == 1.0
    assert similarity("", "abcd") == 0.0
