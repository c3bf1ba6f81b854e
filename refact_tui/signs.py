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


def shown(text: str) -> str:
    """Lines for the shell's own output: as `clean` has them, but line ends and tabs stay."""
    if text.isascii() and text.isprintable():
        return text
    return "\n".join("\t".join(map(clean, line.split("\t"))) for line in text.split("\n"))


def escaped(json: str) -> str:
    """The same JSON document with what a terminal may act on spelt `\\uXXXX`."""
    return json if json.isascii() and "\x7f" not in json else "".join(map(_escape, json))


def _escape(character: str) -> str:
    if character == "\n" or unicodedata.category(character) not in _HIDDEN:
        return character
    units = character.encode("utf-16-be", "surrogatepass")
    return "".join(f"\\u{units[at : at + 2].hex()}" for at in range(0, len(units), 2))


def _sign(character: str) -> str:
    code = ord(character)
    if code in _SIGNS:
        return _SIGNS[code]
    if unicodedata.category(character) in _HIDDEN:
        return f"‹{code:X}›"
    return character
