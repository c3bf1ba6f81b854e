"""About, the screen's own settings and screenshots on a real engine: what is seen, changed, copied and saved."""

import os
from pathlib import Path

import pytest
from textual.pilot import Pilot

from backend.context import Context
from refact_tui import settings
from refact_tui.frame import RefactApp
from refact_tui.keymap import keys_file
from tests.tui.pilots import press, screen_text, sees, until


async def opened(pilot: Pilot[str], *tabs: str) -> None:
    await sees(pilot, "● engine")
    await press(pilot, "6", *tabs)


async def test_about_is_read_and_copied_as_one_text(real: Context) -> None:
    app = RefactApp(real.paths)
    async with app.run_test(size=(120, 36), notifications=True) as pilot:
        await opened(pilot, "left_square_bracket")
        await sees(pilot, "[About]", "BSD-3-Clause", "MIT", "torch ", str(real.paths.home), "docs/keys.md", "textual ")
        await press(pilot, "y")
        await sees(pilot, "All that stands here.")
        copied = app.clipboard
        for text in (
            "refact-tui",
            "linguist data",
            "starter model",
            "transformers ",
            "socket",
            "log",
            "drawn in braille",
        ):
            assert text in copied
        for path in (
            real.paths.database,
            real.paths.engine_log,
            real.paths.socket,
            keys_file(),
            settings.settings_file(),
        ):
            assert str(path) in copied
        for line in copied.splitlines():
            assert line.isprintable()


async def test_theme_and_signs_are_seen_changed_and_taken_back(real: Context) -> None:
    app = RefactApp(real.paths)
    async with app.run_test(size=(120, 36), notifications=True) as pilot:
        await opened(pilot, "left_square_bracket", "left_square_bracket", "left_square_bracket")
        await sees(pilot, "[Settings]", "theme", "signs", "keys", "now braille: the terminal speaks UTF-8")
        await press(pilot, "G", "k", "enter")
        await until(pilot, lambda: settings.load().glyphs == "braille", "the next of the choices")
        await press(pilot, "enter", "enter")
        await sees(pilot, "Drawn in ascii: chosen in the settings.")
        assert (app.glyphs.level, settings.load().glyphs) == ("ascii", "ascii")
        await press(pilot, "u", "u", "u")
        await until(pilot, lambda: settings.load().glyphs == "auto", "the undo")
        assert app.glyphs.level == "braille"
        before = app.theme
        await press(pilot, "k", "enter")
        await until(pilot, lambda: app.theme != before, "another theme")
        assert settings.load().theme == app.theme
        await sees(pilot, f"The theme is {app.theme}.")
        await press(pilot, "u")
        await until(pilot, lambda: app.theme == before, "the theme of before")


async def test_keys_are_written_changed_and_read_again(real: Context) -> None:
    app = RefactApp(real.paths)
    async with app.run_test(size=(120, 36), notifications=True) as pilot:
        await opened(pilot, "left_square_bracket", "left_square_bracket", "left_square_bracket")
        await sees(pilot, "none moved")
        await press(pilot, "G", "enter")
        await sees(pilot, "names every key; change some there")
        text = keys_file().read_text()
        assert '# sources.new = "n"' in text and "none moved" in screen_text(app)
        keys_file().write_text(text.replace('# sources.new = "n"', 'sources.new = "A"'))
        await press(pilot, "enter")
        await sees(pilot, "Read again: 1 of the keys are your own.", "1 moved")
        await press(pilot, "1")
        await sees(pilot, "A add", "Press A and paste")
        await press(pilot, "n")
        await sees(pilot, "n does nothing here: keys.toml has put add on A.")
        await press(pilot, "A")
        await sees(pilot, "Add code")


@pytest.fixture
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    folder = tmp_path / "here"
    folder.mkdir()
    monkeypatch.chdir(folder)
    return folder


async def shot(pilot: Pilot[str]) -> None:
    await press(pilot, "colon")
    await until(pilot, lambda: type(pilot.app.screen).__name__ == "CommandPalette", "the palette")
    await pilot.press(*"screenshot")
    await sees(pilot, "Save this screen as an SVG file")
    await press(pilot, "enter")
    await sees(pilot, "Saved on ")


async def test_a_screenshot_says_where_it_is_and_shows_the_room(real: Context, here: Path) -> None:
    app = RefactApp(real.paths)
    async with app.run_test(size=(120, 36), notifications=True) as pilot:
        await sees(pilot, "Nothing here yet")
        await shot(pilot)
        (file,) = here.iterdir()
        assert app.clipboard == str(file)
        drawn = file.read_text()
        assert file.suffix == ".svg" and "Sources" in drawn and "Nothing&#160;here&#160;yet" in drawn
        assert "Save&#160;this&#160;screen" not in drawn, "the palette is gone by then"


@pytest.mark.skipif(os.geteuid() == 0, reason="root may write everywhere")
async def test_where_one_may_not_write_it_lies_in_the_state_folder(real: Context, here: Path) -> None:
    here.chmod(0o500)
    app = RefactApp(real.paths)
    async with app.run_test(size=(120, 36), notifications=True) as pilot:
        await sees(pilot, "Nothing here yet")
        await shot(pilot)
    assert [file.suffix for file in (real.paths.home / "screenshots").iterdir()] == [".svg"]
