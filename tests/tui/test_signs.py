"""Whatever a name holds, it can neither move the cursor nor hide."""

import json
import unicodedata

from hypothesis import given
from hypothesis import strategies as st

from refact_tui.signs import clean, escaped, shown

DANGEROUS = ("Cc", "Cf", "Cs", "Co", "Cn", "Zl", "Zp")


@given(st.text(st.characters(blacklist_categories=()), max_size=200))
def test_nothing_that_a_terminal_acts_on_is_left(text: str) -> None:
    shown = clean(text)
    assert not any(unicodedata.category(character) in DANGEROUS for character in shown)
    assert clean(shown) == shown
    assert bool(shown) == bool(text)


@given(st.text(max_size=200))
def test_lines_keep_their_ends_and_nothing_else(text: str) -> None:
    shown = clean(text, lines=True)
    assert shown.count("\n") == text.replace("\r\n", "\n").count("\n")
    assert not any(unicodedata.category(character) in DANGEROUS for character in shown if character != "\n")


@given(st.text(st.characters(blacklist_categories=()), max_size=200))
def test_the_shell_shows_lines_and_tabs_and_nothing_else(text: str) -> None:
    lines = shown(text)
    assert not any(unicodedata.category(character) in DANGEROUS for character in lines if character not in "\n\t")
    assert [lines.count(kept) for kept in "\n\t"] == [text.count(kept) for kept in "\n\t"]


@given(st.text(max_size=200))
def test_json_says_the_same_in_signs_that_no_terminal_acts_on(text: str) -> None:
    document = escaped(json.dumps({"text": text}, ensure_ascii=False, indent=2))
    assert json.loads(document) == {"text": text}
    assert not any(unicodedata.category(character) in DANGEROUS for character in document if character != "\n")


@given(st.text(st.characters(whitelist_categories=("L", "N", "P", "S")), max_size=100))
def test_ordinary_text_stays_as_it_is(text: str) -> None:
    assert clean(text) == text


def test_known_attacks() -> None:
    assert clean("\x1b[2Ja\nb\tc\x7f") == "␛[2Ja␊b␉c␡"
    assert clean("user\u202egnp.exe") == "user‹202E›gnp.exe"
    assert clean("a\tb", lines=True) == "a   b"
