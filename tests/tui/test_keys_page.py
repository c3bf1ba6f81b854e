"""docs/keys.md says what the registry says."""

from pathlib import Path

from refact_tui import keys
from refact_tui.keys_page import page, plain

PAGE = Path(__file__).parents[2] / "docs" / "keys.md"


def test_the_page_is_up_to_date() -> None:
    assert PAGE.read_text(encoding="utf-8") == page(), "run `make docs`"


def test_every_key_and_dialog_is_on_it() -> None:
    said = page()
    for key in keys.KEYS:
        assert plain(key.tooltip) in said, key
    assert "| Plan | `esc` cancel · `ctrl+s` start" in said
    assert "`ctrl+@ ctrl+space ctrl+s f5` complete" in said
