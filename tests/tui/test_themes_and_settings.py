"""Themes are complete data, and what a person chose is found again."""

from pathlib import Path

import pytest
from textual.color import Color
from textual.theme import Theme

import themes
from refact_tui import settings


@pytest.mark.parametrize("name", themes.names())
def test_a_theme_is_complete(name: str) -> None:
    theme = Theme(**themes.load(name))
    assert theme.name == name
    assert set(themes.OWN) == set(theme.variables)
    for colour in (theme.primary, theme.background, theme.foreground, *theme.variables.values()):
        assert colour is not None
        Color.parse(colour)
    assert theme.background is not None and theme.foreground is not None
    assert Color.parse(theme.background).get_contrast_text().brightness != Color.parse(theme.background).brightness


def test_dark_and_light_are_there() -> None:
    assert {"dark", "light"} <= set(themes.names())


def test_settings_are_found_again(tmp_path: Path) -> None:
    assert settings.load() == settings.Settings()
    settings.save(settings.Settings(theme="light"))
    assert settings.load().theme == "light"
    settings.settings_file().write_text("theme = [broken", encoding="utf-8")
    assert settings.load() == settings.Settings()
    settings.settings_file().write_text('theme = 3\nother = "x"\n', encoding="utf-8")
    assert settings.load() == settings.Settings()
