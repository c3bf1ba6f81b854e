"""docs/ide.md says what Serve shows, of every plug-in, and what each is held to."""

from refact_tui import connect
from refact_tui.ide_notes import SECTIONS
from refact_tui.ide_page import HERE, THERE, page
from tests.house.tree import ROOT

NOTES = [note for some in SECTIONS.values() for note in some]


def test_the_page_is_up_to_date() -> None:
    assert (ROOT / "docs" / "ide.md").read_text(encoding="utf-8") == page(), "run `make docs`"


def test_every_setting_is_on_it_as_serve_shows_it() -> None:
    said, told = page(), {name for note in NOTES for name in note.names}
    for url in (HERE, THERE):
        for one in connect.settings(url, "starter", "gpu-box"):
            assert one.name in told or one.name == connect.LAPTOP, f"nothing is said of {one.name}"
            assert f"\n{one.text}\n" in said or one.text.replace(THERE, HERE) in said, one.name


def test_what_a_plug_in_is_said_to_be_held_to_is_a_test_of_it() -> None:
    for note in NOTES:
        assert bool(note.held) is bool(note.test), note.names
        if note.test:
            assert "def test_" in (ROOT / note.test).read_text(encoding="utf-8"), note.test
