"""A person's own keys: what may be moved is moved, and shown where it is now; the rest is told and stays."""

import pytest
from hypothesis import given
from hypothesis import strategies as st
from textual.keys import Keys

from refact_tui import keymap, keys
from refact_tui.frame import RefactApp
from refact_tui.keymap import Keymap, clash, keys_file, over
from refact_tui.registry import USUAL, Registry
from tests.tui.pilots import press, screen_text, sees, until
from tests.tui.samples import BUSY
from tests.tui.stub_engine import StubEngine


def write(text: str) -> None:
    """The person's file says this."""
    keys_file().parent.mkdir(parents=True, exist_ok=True)
    keys_file().write_text(text, encoding="utf-8")


def test_without_a_file_nothing_is_different() -> None:
    assert keymap.load() == Keymap()
    assert clash(keys.KEYS) is None


def test_two_keys_may_change_places() -> None:
    write('[keys]\nsources.new = "s"\n"sources.sync" = "n"\n')
    found = keymap.load()
    assert found.told == ()
    assert [found.registry.face(name) for name in ("sources.new", "sources.sync", "scan.new")] == ["s", "n", "n"]


@pytest.mark.parametrize(
    ("line", "said"),
    [
        ('sources.nwe = "a"', "there is no sources.nwe; perhaps sources.new is meant."),
        ('zzz = "a"', "there is no zzz; docs/keys.md has the names."),
        ('sources.new = "s"', "sources.new stays on n, because s is sources.sync in the same room."),
        ('frame.detach = "t"', "frame.detach stays on q, because t is sources.set in the same room."),
        ('serve.new = "c"\nserve.revoke = "c"', "serve.revoke stays on d, because c is serve.new in the same room."),
        ('sources.new = "enter"', "sources.new stays on n: ⏎ is kept for moving about, opening and leaving."),
        ('scan.new = "G"', "scan.new stays on n: G is kept for moving about, opening and leaving."),
        ('sources.new = "hyper+n"', "sources.new stays on n: hyper+n is no key that a terminal sends."),
        ('sources.new = "shift+n"', "sources.new stays on n: shift+n is no key that a terminal sends."),
        ("sources.new = 3", 'sources.new stays on n: it needs a key in quotes, such as "S" or "ctrl+x".'),
        ('sources.new = "a,"', 'sources.new stays on n: it needs a key in quotes, such as "S" or "ctrl+x".'),
        ('scan.open = "o"', "scan.open stays on enter, which lists and dialogs bind themselves."),
        ('frame.back = "b"', "frame.back stays on esc, which lists and dialogs bind themselves."),
    ],
)
def test_what_cannot_be_is_told_in_one_sentence(line: str, said: str) -> None:
    write(f"[keys]\n{line}\n")
    assert keymap.load().told == (f"keys.toml: {said}",)


@pytest.mark.parametrize("text", ["[keys", "\udcff", 'sources.new = "a"', "keys = 3"])
def test_a_file_that_is_none_is_told_too(text: str) -> None:
    keys_file().parent.mkdir(parents=True)
    keys_file().write_bytes(text.encode("utf-8", "surrogateescape"))
    found = keymap.load()
    assert found.registry == Registry()
    assert len(found.told) == 1 and str(keys_file()) in found.told[0]


NAMES = st.sampled_from([key.id for key in keys.KEYS]) | st.text(max_size=8)
LETTERS = st.sampled_from([*"abcdnsxR/?+,-", *(str(key.value) for key in Keys)]) | st.text(max_size=4) | st.integers()


@given(st.dictionaries(NAMES, LETTERS, max_size=6))
def test_whatever_is_wanted_no_key_does_two_things(wanted: dict[str, object]) -> None:
    found = over(wanted)
    assert clash(found.registry.keys) is None
    assert [key.id for key in found.registry.keys] == [key.id for key in keys.KEYS]
    changed = [key.id for key in found.registry.keys if key.keys != USUAL[key.id].keys]
    assert set(changed) <= set(wanted)
    assert len(found.told) + len(changed) <= len(wanted)
    for room in keys.ROOMS:
        bound = found.registry.bindings(room.noun)
        assert len({one.key for one in bound}) == len(bound)


async def test_the_new_key_works_and_is_shown_everywhere(engine: StubEngine) -> None:
    write('[keys]\nsources.new = "A"\nserve.new = "M"\nserve.next_tab = "right"\nscan.mark = "v"\nframe.help = "f2"\n')
    engine.state = BUSY
    app = RefactApp(engine.paths)
    async with app.run_test(size=(80, 24), notifications=True) as pilot:
        await sees(pilot, "● engine", "A add", "f2 help")
        await press(pilot, "n")
        await sees(pilot, "n does nothing here: keys.toml has put add on A.")
        await press(pilot, "A")
        await sees(pilot, "Add code")
        await press(pilot, "escape", "f2")
        await sees(pilot, "Add a git URL, a folder or an archive")
        assert any(line.split()[1:3] == ["A", "Add"] for line in screen_text(app).splitlines())
        await press(pilot, "escape", "colon")
        await until(pilot, lambda: type(app.screen).__name__ == "CommandPalette", "the palette")
        await pilot.press(*"add")
        await sees(pilot, "A · Add a git URL")
        await press(pilot, "escape", "5", "right", "right")
        await sees(pilot, "[Keys]", "M new", "[ → tabs")
        await press(pilot, "n")
        await sees(pilot, "n host is for Try it, and this is Keys; [ → change the tab.")
        await press(pilot, "M")
        await sees(pilot, "New API key")


async def test_what_is_wrong_is_said_at_start_and_by_the_doctor(engine: StubEngine) -> None:
    write('[keys]\nsources.nwe = "[red]"\n')
    engine.answers["GET /doctor"] = []
    app = RefactApp(engine.paths)
    async with app.run_test(size=(120, 36), notifications=True) as pilot:
        await sees(pilot, "● engine", "keys.toml: there is no sources.nwe; perhaps sources.new is meant.")
        app.clear_notifications()
        await press(pilot, "6")
        await sees(pilot, "✗ no", "there is no sources.nwe", "→ Change ")
