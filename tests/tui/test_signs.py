"""Whatever a name holds, it can neither move the cursor nor hide."""

import json
import unicodedata

from hypothesis import given
from hypothesis import strategies as st

from refact_tui import signs
from refact_tui.signs import MOST_MARKS, clean, escaped, shown

DANGEROUS = ("Cc", "Cf", "Cs", "Co", "Cn", "Zl", "Zp", "Mc")
ORDINARY = st.characters(whitelist_categories=("L", "N", "P", "S")).filter(lambda one: not signs.unsure(one))


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


@given(st.text(ORDINARY, max_size=100))
def test_ordinary_text_stays_as_it_is(text: str) -> None:
    assert clean(text) == text


def test_known_attacks() -> None:
    assert clean("\x1b[2Ja\nb\tc\x7f") == "␛[2Ja␊b␉c␡"
    assert clean("user\u202egnp.exe") == "user‹202E›gnp.exe"
    assert clean("a\tb", lines=True) == "a   b"
    assert clean("\u0301a" + "e" + "\u0301" * 6) == "‹301›ae" + "\u0301" * MOST_MARKS + "‹301›" * 2
    assert clean("\u2764\ufe0f \U0001f44d\U0001f3fd \u0915\u0940 \u3164") == "\u2764‹FE0F› 👍‹1F3FD› \u0915‹940› ‹3164›"
    assert clean("e\u0301tude 한 漢字 שלום") == "e\u0301tude 한 漢字 שלום"
