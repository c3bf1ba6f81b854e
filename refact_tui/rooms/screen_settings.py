"""The settings of the screen itself, as rows beside the engine's: theme, signs, and the file of one's own keys."""

from typing import TYPE_CHECKING

from backend import wire
from refact_tui import glyphs, keymap, settings
from refact_tui.signs import clean

if TYPE_CHECKING:
    from refact_tui.frame import RefactApp

THEME, SIGNS, KEYS = "theme", "signs", "keys"
NONE = "none moved"
AGAIN = "read again"
"""What is wanted of the row of keys: its value says what is, and cannot be chosen."""


def shown(face: "RefactApp") -> list[wire.ServeSetting]:
    """As they are now."""
    kept, usual = settings.load(), settings.Settings()
    where, own = face.looks.where(), keymap.keys_file()
    moved = face.keymap.moved
    wrong = f"; {len(face.keymap.told)} wrong, Doctor says which" if face.keymap.told else ""
    return [
        wire.ServeSetting(
            name=THEME,
            value=kept.theme,
            default=usual.theme,
            meaning=f"the colours of this screen; your own lie in {clean(where)}",
            at_once=True,
            choices=face.looks.names(),
        ),
        wire.ServeSetting(
            name=SIGNS,
            value=kept.glyphs,
            default=usual.glyphs,
            meaning=f"the signs to draw with; now {face.terminal.level}: {clean(face.terminal.why)}",
            at_once=True,
            limits=", ".join(("auto", *glyphs.LEVELS)),
            choices=["auto", *glyphs.LEVELS],
        ),
        wire.ServeSetting(
            name=KEYS,
            value=f"{moved} moved{wrong}" if moved or wrong else NONE,
            default=NONE,
            meaning=f"your own keys, in {clean(str(own))}; enter "
            + ("reads it again" if own.exists() else "writes one to begin with"),
            at_once=True,
            choices=[AGAIN],
        ),
    ]


def change(face: "RefactApp", name: str, value: str) -> str:
    """Change one and remember it; what came of it, in words."""
    if name == THEME:
        named = next((one for one in face.looks.names() if clean(one) == value), value)
        face.use_theme(named)
        return f"The theme is {clean(named)}."
    if name == SIGNS:
        face.use_glyphs(value)
        return ""
    return read_keys(face)


def read_keys(face: "RefactApp") -> str:
    """Take the keys as the file has them now, or write a file that changes none; what came of it, in words."""
    own = keymap.keys_file()
    if not own.exists():
        try:
            own.parent.mkdir(parents=True, exist_ok=True)
            own.write_text(keymap.template(), encoding="utf-8")
        except OSError as error:
            return clean(f"{own} cannot be written: {error}")
        return f"{clean(str(own))} names every key; change some there, then press enter here again."
    face.use_keys(keymap.load())
    told = face.keymap.told
    return clean(told[0]) if told else f"Read again: {face.keymap.moved} of the keys are your own."
