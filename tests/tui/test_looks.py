"""What is worn: what suits the terminal, what the user's own files say as they change, and what is tried on."""

import os
from pathlib import Path

import pytest
from rich.segment import Segment
from textual.color import Color
from textual.containers import Vertical
from textual.filter import ANSIToTruecolor, NoColor
from textual.pilot import Pilot
from textual.strip import Strip

from refact_tui import looks, settings
from refact_tui.frame import RefactApp
from refact_tui.glyph_filter import GlyphFilter
from tests.tui import tuning_samples as samples
from tests.tui.pilots import press, screen_text, sees, until
from tests.tui.samples import BUSY
from tests.tui.stub_engine import StubEngine
from themes import contrast


def write(name: str, text: str) -> Path:
    """A theme of the user's."""
    path = looks.folder() / f"{name}.toml"
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text, encoding="utf-8")
    return path


def ground(app: RefactApp) -> str:
    """The colour that is really under the room."""
    return app.screen.styles.background.hex6.lower()


async def becomes(pilot: Pilot[str], colour: str) -> None:
    app = pilot.app
    assert isinstance(app, RefactApp)
    await until(pilot, lambda: ground(app) == Color.parse(colour).hex6.lower(), f"the ground {colour}")


@pytest.mark.parametrize(
    ("environment", "theme"),
    [
        ({"TERM": "xterm-256color"}, "tritanopia"),
        ({"TERM": "screen-256color"}, "tritanopia"),
        ({"TERM": "xterm"}, "16-colours"),
        ({"TERM": "linux"}, "16-colours"),
        ({"TERM": "xterm", "COLORFGBG": "0;15"}, "16-colours-light"),
        ({"TERM": "xterm", "COLORTERM": "truecolor"}, "tritanopia"),
        ({"TERM": "xterm-256color", "NO_COLOR": ""}, "16-colours"),
    ],
)
def test_a_terminal_is_given_what_it_can_show(
    environment: dict[str, str], theme: str, engine: StubEngine, monkeypatch: pytest.MonkeyPatch
) -> None:
    settings.save(settings.Settings(theme="tritanopia"))
    for name, value in environment.items():
        monkeypatch.setenv(name, value)
    app = RefactApp(engine.paths)
    assert app.theme == theme
    assert settings.load().theme == "tritanopia"
    filters = {type(one) for one in app.get_line_filters()} - {GlyphFilter}
    assert filters == (
        {NoColor} if "NO_COLOR" in environment else {ANSIToTruecolor} if theme == "tritanopia" else set()
    )


async def test_no_color_means_none(engine: StubEngine, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("NO_COLOR", "1")
    engine.state = BUSY
    app = RefactApp(engine.paths)
    async with app.run_test(size=(80, 24)) as pilot:
        await sees(pilot, "● engine", "✓ 9f3c1a2", "▌billing-api")
        await press(pilot, "colon")
        await sees(pilot, "Open About in System")
        shown = [segment for strip in app.screen._compositor.render_strips() for segment in strip if segment.style]
        assert any(segment.style.reverse for segment in shown if segment.style)  # where one stands is seen without
        for style in (segment.style for segment in shown if segment.style):
            assert style.color is None or style.color.is_default
            assert style.bgcolor is None or style.bgcolor.is_default


async def test_a_file_of_the_users_is_followed_while_it_changes(
    engine: StubEngine, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("refact_tui.frame.EVERY_S", 0.02)
    write("night", 'background = "#010203"\n')
    settings.save(settings.Settings(theme="night"))
    app = RefactApp(engine.paths)
    async with app.run_test(size=(80, 24), notifications=True) as pilot:
        await becomes(pilot, "#010203")
        write("night", 'background = "#0a0b0c"\n')
        await becomes(pilot, "#0a0b0c")
        write("night", 'background = "blackish"\n')
        await sees(pilot, "night.toml: background is 'blackish', which is no colour")
        assert ground(app) == "#0a0b0c"
        write("night", 'background = "#0d0e0f"  # as it was meant\n')
        await becomes(pilot, "#0d0e0f")
        write("day", 'dark = false\nbackground = "#fffff0"\n')
        await until(pilot, lambda: "day" in app.looks.names(), "the new theme")
        (looks.folder() / "night.toml").unlink()
        await sees(pilot, "night.toml is gone; dark is worn.")
        assert app.theme == "dark"
        write("dark", 'background = "#111111"\n')  # before ours of that name
        await becomes(pilot, "#111111")
        (looks.folder() / "dark.toml").unlink()
        await becomes(pilot, "#12161b")


async def test_what_is_wrong_at_the_start_is_told_and_ours_is_worn(engine: StubEngine) -> None:
    write("night", "primary = [")
    write("Bad Name", "")
    (looks.folder() / "torn.toml").write_bytes(b'primary = "\xff"')
    (looks.folder() / "nowhere.toml").symlink_to("nothing")
    os.mkfifo(looks.folder() / "pipe.toml")  # reading it would never end
    settings.save(settings.Settings(theme="night"))
    app = RefactApp(engine.paths)
    assert app.theme == "dark"
    async with app.run_test(size=(120, 40), notifications=True) as pilot:
        await sees(pilot, "night.toml is no TOML", "There is no theme night; dark is worn.")
        await sees(pilot, "Bad Name.toml: a theme's file is named in small letters", "torn.toml cannot be read")


async def test_a_theme_is_tried_on_and_taken_off_again(engine: StubEngine) -> None:
    write("pale", 'foreground = "#555555"\n')
    write("wrong", "dark = 3\n")
    app = RefactApp(engine.paths)
    async with app.run_test(size=(80, 24)) as pilot:
        await sees(pilot, "● engine")
        await press(pilot, "6", "T")
        await sees(pilot, "▌dark", "✓ accepted", "! 2.4:1", "wrong.toml: dark is 3; write true or false.")
        assert "wrong  " not in screen_text(app)
        before = app.theme
        await press(pilot, "j", "j")
        await until(pilot, lambda: app.theme == "light", "the preview")
        await becomes_under(pilot, "#fbfaf7")
        await press(pilot, "escape")
        await until(pilot, lambda: app.theme == before, "the theme of before")
        await becomes(pilot, "#12161b")
        assert settings.load() == settings.Settings()
        await press(pilot, "colon", *"themes")
        await sees(pilot, "Choose the colours")
        await press(pilot, "enter")
        await sees(pilot, "▌dark")
        await press(pilot, "G", "enter")
        await until(pilot, lambda: settings.load().theme == "tritanopia", "what is kept")
        assert app.theme == "tritanopia"


async def becomes_under(pilot: Pilot[str], colour: str) -> None:
    """The room under a dialog."""
    app = pilot.app
    assert isinstance(app, RefactApp)
    await until(pilot, lambda: app.room.styles.background.hex6.lower() == colour, f"the ground {colour}")


@pytest.mark.parametrize(
    "keys", [["1"], ["2"], ["3"], ["4"], ["5"], ["6"], ["3", "n"], ["1", "n"], ["question_mark"], ["T"]]
)
async def test_every_word_on_the_screen_can_be_read(engine: StubEngine, keys: list[str]) -> None:
    engine.state, engine.answers = samples.STATE, samples.answers()
    app = RefactApp(engine.paths)
    async with app.run_test(size=(120, 36)) as pilot:
        await sees(pilot, "● engine")
        await press(pilot, *keys)
        await pilot.pause(0.1)
        for name in ("dark", "light", "deuteranopia", "tritanopia"):
            app.theme = name
            await pilot.pause()
            faint = {
                (segment.text.strip(), round(found, 2))
                for strip in drawn(app)
                for segment in strip
                if any(map(str.isalnum, segment.text)) and (found := read_at(segment)) < contrast.BODY
            }
            assert not faint, f"{name}: {sorted(faint)}"


def drawn(app: RefactApp) -> list[Strip]:
    """The room, or of a dialog what stands before the dimmed room."""
    strips = app.screen._compositor.render_strips()
    if app.screen is app.room:
        return strips
    box = app.screen.query(Vertical).first().region
    return [strip.crop(box.x, box.right) for strip in strips[box.y : box.bottom]]


def read_at(segment: Segment) -> float:
    """The contrast of a piece of text as it is drawn."""
    style = segment.style
    assert style is not None and style.color is not None and style.bgcolor is not None
    assert style.color.triplet is not None and style.bgcolor.triplet is not None
    return contrast.ratio(style.color.triplet.hex, style.bgcolor.triplet.hex)
