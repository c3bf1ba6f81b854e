"""Linguist's strategies one by one: what a first line, a mode line or a name says, and that no text breaks them."""

import re
import time

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from backend.scan.linguist import heuristics, strategies
from backend.scan.linguist.detect import detect
from backend.scan.linguist.generated import extension_of, generated
from backend.scan.linguist.needs import needs
from backend.scan.linguist.tables import tables
from backend.scan.linguist.vendored import vendored


@pytest.mark.parametrize(
    ("first", "expected"),
    [
        ("#!/usr/bin/python3.11", "python3"),
        ("#! /usr/bin/env node", "node"),
        ("#!/usr/bin/env -S python3 -u", "python3"),
        ("#!/usr/bin/env FOO=bar -i perl -w", "perl"),
        ('#!/bin/sh\nexec scala "$0" "$@"', "scala"),
        ("#!/usr/bin/osascript -l JavaScript", None),
        ("#!", None),
        ("#!/usr/bin/env", None),
    ],
)
def test_interpreters(first: str, expected: str | None) -> None:
    assert strategies.interpreter(first + "\n") == expected


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("/* -*- C++ -*- */\n", "C++"),
        ("# -*- coding: utf-8; mode: python; tab-width: 4 -*-\n", "Python"),
        ("x\n" * 30 + "# vim: set ft=ruby :\n", "Ruby"),
        ("// vim:filetype=javascript\n", "JavaScript"),
        ("x\n" * 30 + "# vim: ft=ruby\n" + "x\n" * 30, None),
        ("# coding: utf-8\n", None),
    ],
)
def test_mode_lines(text: str, expected: str | None) -> None:
    assert strategies.modeline(text) == ((expected,) if expected else ())


RULES = [rule for block in heuristics._blocks() for rule in block["rules"]]
PATTERNS = [spelt for rule in RULES for condition in rule["all"] for spelt, *_ in condition["any"]]


@pytest.mark.parametrize(
    ("pattern", "expected"),
    [
        (r"^\s*template\s*<", ("template",)),
        (r"^[ \t]*(class|struct):$", ("class", "struct")),
        (r"(?:abc)?d+(ef)*", ("d",)),
        (r"(?i:include)x?", ()),
        (r"(?!never)[abc]+", ()),
        (r"a|bc", ("a", "bc")),
        (r"a|b*", ()),
    ],
)
def test_what_a_pattern_needs(pattern: str, expected: tuple[str, ...]) -> None:
    assert needs(pattern) == expected


@settings(suppress_health_check=[HealthCheck.too_slow, HealthCheck.filter_too_much], deadline=None)
@given(st.sampled_from([spelt for spelt in PATTERNS if "(?!" not in spelt and "(?>" not in spelt]), st.data())
def test_every_text_that_a_pattern_matches_has_a_word_it_needs(pattern: str, data: st.DataObject) -> None:
    text = data.draw(st.from_regex(re.compile(pattern, heuristics.FLAGS)))
    assert not (words := needs(pattern)) or any(word in text for word in words)


def test_what_the_samples_settle() -> None:
    assert detect("a.m", "x = zeros(3);\nfor i=1:3\n  x(i) = i;\nend\n") == "MATLAB"
    assert detect("a.v", "module a(input b);\n  assign c = b;\nendmodule\n") == "Verilog"


@given(st.sampled_from(sorted(tables().extensions)), st.text(max_size=400))
def test_every_extension_and_any_text_get_an_answer(extension: str, text: str) -> None:
    found = detect("a" + extension, text)
    assert found is None or found in tables().kinds
    assert generated("a" + extension, lambda: text) != ""


def test_hostile_lines_cost_no_time() -> None:
    started = time.monotonic()
    for line in (
        "vim:" + ":=" * 100_000,
        "-*-" + " mode:" * 50_000,
        "#!/usr/bin/env " + "a=b " * 50_000,
        "<" * 200_000,
    ):
        for name in ("a.h", "a.html", "a.js", "tool"):
            detect(name, line)
            generated(name, lambda line=line: line)  # type: ignore[misc]
    assert time.monotonic() - started < 20


def test_extensions_as_ruby_takes_them() -> None:
    names = {"a.py": ".py", ".bashrc": "", "a.": "", "a.tar.gz": ".gz", "..a": "", "Makefile": ""}
    assert {name: extension_of(name) for name in names} == names


def test_reasons_are_told_in_words() -> None:
    assert "node_modules" in str(generated("web/node_modules/a.js", lambda: ""))
    assert "vendor" in str(vendored("vendor/a.js"))
