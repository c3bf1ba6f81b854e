"""Whatever the terminal can show: the same screen in its signs, nothing moved, and at `ascii` seven bits."""

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from rich.cells import cell_len

import refact_tui
from refact_tui import glyphs, keys, settings
from refact_tui.frame import RefactApp
from refact_tui.glyphs import LEVELS, Glyphs, Level
from refact_tui.signs import clean
from tests.tui import tuning_samples as samples
from tests.tui.golden import FOLDER
from tests.tui.pilots import press, screen_text, sees
from tests.tui.stub_engine import StubEngine

CONSOLE = "☺☻♥♦♣♠•◘○◙♂♀♪♫☼►◄↕‼¶§▬↨↑↓→←∟↔▲▼⌂"
"""What code page 437 holds below 0x20, where Python's codec has control codes."""
SOURCES = [*Path(refact_tui.__file__).parent.rglob("*.py"), *Path(refact_tui.__file__).parent.rglob("*.tcss")]
OURS = sorted(
    {
        sign
        for path in SOURCES
        if path.name != "glyphs.py"
        for sign in path.read_text(encoding="utf-8")
        if not sign.isascii()
    }
)


@pytest.mark.parametrize("sign", OURS)
def test_every_sign_we_write_has_a_stand_in(sign: str) -> None:
    block, plain = Glyphs("block").shown(sign), Glyphs("ascii").shown(sign)
    assert block in CONSOLE or block.encode("cp437")
    assert plain.isascii()
    assert "?" not in block + plain or sign == "␡"
    assert cell_len(block) == cell_len(plain) == cell_len(sign) == 1


def test_golden_screens_keep_their_shape() -> None:
    screens = [path.read_text(encoding="utf-8") for path in sorted(FOLDER.glob("*.txt"))]
    assert len(screens) > 50
    for line in (line for screen in screens for line in screen.splitlines()):
        for level in LEVELS:
            drawn = Glyphs(level, "ascii" if level == "ascii" else "utf-8").shown(line)
            assert cell_len(drawn) == cell_len(line)
            assert level != "ascii" or drawn.isascii()


@given(st.text(max_size=60).map(clean), st.sampled_from(LEVELS), st.sampled_from(["utf-8", "latin-1", "ascii"]))
def test_names_keep_their_width_and_can_be_sent(text: str, level: Level, encoding: str) -> None:
    drawn = Glyphs(level, encoding).shown(text)
    assert cell_len(drawn) == cell_len(text)
    drawn.encode(encoding, "surrogatepass" if encoding == "utf-8" else "strict")


def test_strangers_letters() -> None:
    assert Glyphs("ascii", "ascii").shown("Café 漢 ▲") == "Cafe ?? ^"
    assert Glyphs("ascii", "latin-1").shown("Café ▲") == "Café ^"
    assert Glyphs("ascii").shown("Café 漢 ▲") == "Café 漢 ^"
    assert Glyphs("block").shown("╭╴┏═╬╌╱⠋") == "┌─┌─┼─/·"
    assert Glyphs("ascii").shown("╭━┃╳") == "+-|X"


@pytest.mark.parametrize(
    ("environment", "encoding", "coerced", "level", "sent"),
    [
        ({"LANG": "C.UTF-8", "TERM": "xterm-256color"}, "utf-8", False, "braille", "utf-8"),
        ({"LANG": "de_DE.utf8", "TERM": "screen-256color"}, "utf-8", False, "braille", "utf-8"),
        ({"TERM": "xterm", "LC_CTYPE": "C.UTF-8"}, "utf-8", True, "braille", "utf-8"),  # a container says nothing
        ({"LANG": "C", "LC_CTYPE": "C.UTF-8"}, "utf-8", True, "ascii", "ascii"),  # Python's own LC_CTYPE
        ({"LANG": "C", "LC_CTYPE": "C.UTF-8"}, "utf-8", False, "braille", "utf-8"),  # a person's
        ({"LANG": "en_US.UTF-8", "LC_ALL": "POSIX"}, "utf-8", True, "ascii", "ascii"),
        ({"LANG": "de_DE.ISO-8859-15@euro"}, "utf-8", True, "ascii", "iso8859-15"),
        ({"LANG": "en_US.nonsense"}, "utf-8", True, "ascii", "ascii"),
        ({"LANG": "en_US"}, "latin-1", False, "ascii", "iso8859-1"),
        ({"LANG": "C.UTF-8", "TERM": "linux"}, "utf-8", False, "block", "utf-8"),
        ({"LANG": "C.UTF-8", "TERM": "vt220"}, "utf-8", False, "ascii", "utf-8"),
    ],
)
def test_the_terminal_says_which(
    environment: dict[str, str], encoding: str, coerced: bool, level: Level, sent: str
) -> None:
    found = glyphs.terminal(environment, encoding, coerced)
    assert (found.level, found.encoding) == (level, sent)
    assert found.why


@pytest.mark.parametrize("size", [(80, 24), (120, 36)])
async def test_in_ascii_nothing_we_draw_has_an_eighth_bit(
    engine: StubEngine, size: tuple[int, int], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("LANG", "C")
    engine.state, engine.answers = samples.STATE, samples.answers()
    app = RefactApp(engine.paths)
    async with app.run_test(size=size, notifications=True) as pilot:
        await sees(pilot, "o engine 3h12m", "^ billing-3:40")
        for one in keys.ROOMS:
            await press(pilot, one.number)
            await sees(pilot, f">{one.number} {one.title}", *(["train .", "> running"] if one.noun == "train" else []))
            assert screen_text(app).isascii()
            app.notify("✗ a toast over the room …", markup=False)
            await press(pilot, "question_mark")
            await sees(pilot, "esc close")
            assert screen_text(app).isascii()
            await press(pilot, "escape")
        await press(pilot, "colon", *"new")
        await sees(pilot, "Make an SSH key")
        assert screen_text(app).isascii()


async def test_another_level_is_drawn_at_once_everywhere_and_kept(engine: StubEngine) -> None:
    engine.state, engine.answers = samples.STATE, samples.answers()
    app = RefactApp(engine.paths)
    async with app.run_test(size=(80, 24)) as pilot:
        await sees(pilot, "● engine")
        await press(pilot, "3")
        await sees(pilot, "▌3 Train", "served ▲")
        app.use_glyphs("ascii")
        await sees(pilot, "o engine", ">3 Train", "train .", "served ^")
        assert screen_text(app).isascii()
        await press(pilot, "1")  # a room that was drawn before
        await sees(pilot, ">1 Sources")
        assert screen_text(app).isascii()
        app.use_glyphs("auto")
        await sees(pilot, "● engine", "▌1 Sources")
        app.use_glyphs("block")
        await sees(pilot, "• engine")
    assert settings.load() == settings.Settings(glyphs="block")
    assert RefactApp(engine.paths).glyphs.level == "block"
