"""Text from outside made safe to draw: what could move the cursor or hide something is shown as a sign instead."""

import unicodedata

TAB_WIDTH = 4
_SIGNS = {code: chr(0x2400 + code) for code in range(0x20)} | {0x7F: "␡"}
_HIDDEN = ("Cc", "Cf", "Cs", "Co", "Cn", "Zl", "Zp")
"""Unicode categories a terminal may act on, or draw in a width of its own choosing."""


def clean(text: str, lines: bool = False) -> str:
    """The text with control, direction and invisible characters made visible.

    With `lines`, line ends stay and tabs become spaces; otherwise the result is one line.
    """
    if text.isascii() and text.isprintable():
        return text
    if lines:
        return "\n".join(clean(line.expandtabs(TAB_WIDTH)) for line in text.replace("\r\n", "\n").split("\n"))
    return "".join(_sign(character) for character in text)


def _sign(character: str) -> str:
    code = ord(character)
    if code in _SIGNS:
        return _SIGNS[code]
    if unicodedata.category(character) in _HIDDEN:
        return f"‹{code:X}›"
    return character
