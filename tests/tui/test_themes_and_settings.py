"""Themes can be read by every eye they are for, a mistake in one is told, and what a person chose is found again."""

from itertools import combinations
from math import dist
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from textual.color import Color
from textual.theme import Theme

import themes
from refact_tui import settings
from themes import contrast
from themes.checking import ANSI, COLOURS

NAMES = themes.names()
OWN_COLOURS = [name for name in NAMES if not themes.load(name).get("ansi")]
GROUNDS = ("background", "surface", "panel", "boost", "primary-muted")
"""What words stand on: the room, a dialog, the bars, a field, the row under the cursor."""
WORDS = ("foreground", "text-success", "text-error", "text-warning", "text-accent", "text-primary")
MUTED = ("text-muted", "text-disabled")
SIMULATED = {  # Machado, Oliveira and Fernandes 2009, complete dichromacy; on linear red, green and blue
    "deuteranopia": ((0.367322, 0.860646, -0.227968), (0.280085, 0.672501, 0.047413), (-0.01182, 0.04294, 0.968881)),
    "tritanopia": ((1.255528, -0.076749, -0.178779), (-0.078411, 0.930809, 0.147602), (0.004733, 0.691367, 0.3039)),
}
APART = 20.0
"""CIE 1976 colour difference; 2.3 is just seen by an eye that looks for it."""


@pytest.mark.parametrize("name", NAMES)
def test_a_theme_is_complete(name: str) -> None:
    theme = Theme(**themes.load(name))
    assert theme.name == name
    assert set(themes.OWN) <= set(theme.variables)
    theme.to_color_system().generate()


def test_the_promised_ones_are_there() -> None:
    assert {"dark", "light", "deuteranopia", "tritanopia", "16-colours", "16-colours-light"} == set(NAMES)


@pytest.mark.parametrize("name", OWN_COLOURS)
def test_words_can_be_read(name: str) -> None:
    theme = Theme(**themes.load(name))
    colours = {**theme.to_color_system().generate(), **theme.variables}
    for ground in GROUNDS:
        below = Color.parse(colours[ground])
        for words in (*WORDS, *MUTED):
            found = Color.parse(colours[words])
            ratio = contrast.ratio(found.hex6, below.hex6)
            assert ratio >= contrast.BODY, f"{words} on {ground}: {ratio:.2f}"


@pytest.mark.parametrize("name", OWN_COLOURS)
def test_what_is_beside_the_point_and_curves_can_be_seen(name: str) -> None:
    theme = themes.load(name)
    for ground in ("background", "surface"):
        assert contrast.ratio(theme["secondary"], theme[ground]) >= contrast.BODY
    for curve in themes.OWN:  # WCAG asks 3 of what is no text
        assert contrast.ratio(theme["variables"][curve], theme["background"]) >= 3


@pytest.mark.parametrize("eye", SIMULATED)
def test_an_eye_without_a_cone_tells_the_meanings_apart(eye: str) -> None:
    def seen(colour: str) -> tuple[float, float, float]:
        return _lab(_simulated(colour, eye))

    palette = Theme(**themes.load(eye)).to_color_system().generate()
    meanings = [palette[f"text-{name}"] for name in ("success", "warning", "error")]
    curves = [themes.load(eye)["variables"][curve] for curve in themes.OWN]
    for one, other in (*combinations(meanings, 2), curves):
        assert dist(seen(one), seen(other)) >= APART, (one, other)


def test_the_simulation_confuses_what_such_an_eye_confuses() -> None:
    red, green = _simulated("#a05000", "deuteranopia"), _simulated("#4f7000", "deuteranopia")
    assert dist(_lab(red), _lab(green)) < APART < dist(_lab(_linear("#a05000")), _lab(_linear("#4f7000")))


@pytest.mark.parametrize("name", [name for name in NAMES if name not in OWN_COLOURS])
def test_sixteen_colours_are_the_terminals_own(name: str) -> None:
    theme = themes.load(name)
    assert {theme[key] for key in ("background", "foreground")} == {"ansi_default"}
    assert {*(theme[key] for key in COLOURS), *theme["variables"].values()} <= set(ANSI)


def test_contrast_is_that_of_wcag() -> None:
    assert contrast.ratio("#000", "#ffffff") == pytest.approx(21)
    assert contrast.ratio("#777777", "#ffffff") == pytest.approx(4.48, abs=0.01)
    assert contrast.ratio("#123456", "#123456") == 1


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("primary = [broken", "night.toml is no TOML: "),
        ('backgrund = "#000000"', "night.toml: there is no 'backgrund'; did you mean background?"),
        ('quux = "#000000"', "night.toml: there is no 'quux'; there are background, surface"),
        ('primary = "blu"', "night.toml: primary is 'blu', which is no colour; write one as #5f97c9."),
        ('primary = "#12345"', "primary is '#12345', which is no colour"),
        ("primary = 7", "primary is 7, which is no colour"),
        ('primary = "ansi_red"', "primary is 'ansi_red', which is no colour"),
        ('ansi = true\nprimary = "#ffffff"', "with ansi = true write ansi_default, ansi_red, ansi_bright_red"),
        ('dark = "yes"', "night.toml: dark is 'yes'; write true or false."),
        ("variables = 3", "night.toml: variables is 3; write a table, [variables]."),
        ('[variables]\nok = "#fff"', "night.toml, [variables]: there is no 'ok'; "),
        ('[variables]\ncurve-train = "auto"', "curve-train is 'auto', which is no colour"),
    ],
)
def test_a_mistake_is_told_in_a_sentence(text: str, said: str) -> None:
    with pytest.raises(themes.ThemeError) as told:
        themes.parse("night", text, themes.load("dark"))
    assert said in str(told.value)


def test_a_file_fills_what_it_leaves_out_or_says_what_is_missing() -> None:
    night = themes.parse("night", 'primary = "#abc"\n[variables]\ncurve-test = "#fff"', themes.load("dark"))
    assert (night["name"], night["primary"], night["background"]) == (
        "night",
        "#abc",
        themes.load("dark")["background"],
    )
    like_dark = {key: value for key, value in themes.load("dark")["variables"].items() if key != "primary-muted"}
    assert night["variables"] == {**like_dark, "curve-test": "#fff"}  # the row under the cursor is of its own primary
    paler = themes.parse("night", 'boost = "#333"', themes.load("dark"))
    assert paler["boost"] == paler["variables"]["boost"] == "#333"
    with pytest.raises(themes.ThemeError, match="says nothing of background, surface"):
        themes.parse("night", 'primary = "#abc"')
    with pytest.raises(themes.ThemeError, match="small letters, digits and dashes"):
        themes.parse("My Theme", "")


@given(st.text(max_size=200), st.text(max_size=20))
def test_no_file_breaks_the_reader(text: str, name: str) -> None:
    try:
        Theme(**themes.parse(name, text, themes.load("dark"))).to_color_system().generate()
    except themes.ThemeError as error:
        assert str(error).startswith(f"{name}.toml")


def test_settings_are_found_again(tmp_path: Path) -> None:
    assert settings.load() == settings.Settings()
    settings.save(settings.Settings(theme="light"))
    assert settings.load().theme == "light"
    settings.keep(glyphs="ascii")
    assert settings.load() == settings.Settings(theme="light", glyphs="ascii")
    settings.settings_file().write_text("theme = [broken", encoding="utf-8")
    assert settings.load() == settings.Settings()
    settings.settings_file().write_text('theme = 3\nother = "x"\n', encoding="utf-8")
    assert settings.load() == settings.Settings()


def _linear(colour: str) -> tuple[float, ...]:
    return tuple(c / 12.92 if c <= 0.04045 else ((c + 0.055) / 1.055) ** 2.4 for c in Color.parse(colour).normalized)


def _simulated(colour: str, eye: str) -> tuple[float, ...]:
    light = _linear(colour)
    rows = SIMULATED[eye]
    return tuple(min(1.0, max(0.0, sum(a * b for a, b in zip(row, light, strict=True)))) for row in rows)


def _lab(light: tuple[float, ...]) -> tuple[float, float, float]:
    """CIE L*a*b* under D65."""
    red, green, blue = light
    xyz = (
        (0.4124 * red + 0.3576 * green + 0.1805 * blue) / 0.9505,
        0.2126 * red + 0.7152 * green + 0.0722 * blue,
        (0.0193 * red + 0.1192 * green + 0.9505 * blue) / 1.089,
    )
    x, y, z = (t ** (1 / 3) if t > 0.008856 else 7.787 * t + 16 / 116 for t in xyz)
    return 116 * y - 16, 500 * (x - y), 200 * (y - z)
