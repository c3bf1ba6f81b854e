"""Text from outside made safe to draw: what could move the cursor or hide something is shown as a sign instead."""

import unicodedata

TAB_WIDTH = 4
_SIGNS = {code: chr(0x2400 + code) for code in range(0x20)} | {0x7F: "␡"}
_HIDDEN = ("Cc", "Cf", "Cs", "Co", "Cn", "Zl", "Zp")
"""Unicode categories a terminal may act on, or draw in a width of its own choosing."""
_MARKS = ("Mn", "Me")
MOST_MARKS = 4
"""As many may stand over one letter; a pile of them reaches into the lines around it."""
_UNSURE = (
    (0x034F, 0x034F),  # a joiner that is not seen
    (0x115F, 0x1160),  # Hangul fillers, not seen either
    (0x17B4, 0x17B5),
    (0x180B, 0x180F),  # variation selectors: another width in one terminal, none in the next
    (0x2630, 0x2637),  # signs that are one cell in some versions of Unicode and two in others
    (0x268A, 0x268F),
    (0x3164, 0x3164),
    (0x3248, 0x324F),
    (0x4DC0, 0x4DFF),
    (0xFE00, 0xFE0F),
    (0xFFA0, 0xFFA0),
    (0x1D300, 0x1D378),
    (0x1F3FB, 0x1F3FF),  # skin tones: a part of the sign before, or a sign of their own
    (0xE0100, 0xE01EF),
)
"""Characters that terminals draw in different widths, or not at all; so are all of the category Mc, vowel signs."""


def clean(text: str, lines: bool = False) -> str:
    """The text with control, direction and invisible characters made visible.

    With `lines`, line ends stay and tabs become spaces; otherwise the result is one line.
    """
    if text.isascii() and text.isprintable():
        return text
    if lines:
        return "\n".join(clean(line.expandtabs(TAB_WIDTH)) for line in text.replace("\r\n", "\n").split("\n"))
    return _signs(text)


def one_each(text: str) -> str:
    """One line in which every character but a tab is still one, for editors, where places are counted."""
    if text.isascii() and text.isprintable():
        return text
    return "".join(map(_stand_in, text))


def _stand_in(character: str) -> str:
    if character == "\t":
        return character
    sign = _sign(character, unicodedata.category(character))
    return sign if len(sign) == 1 else "\ufffd"


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


def unsure(character: str) -> bool:
    """Whether terminals disagree on how many cells a character takes."""
    code = ord(character)
    if code < _UNSURE[0][0]:
        return False
    return unicodedata.category(character) == "Mc" or any(first <= code <= last for first, last in _UNSURE)


def _signs(text: str) -> str:
    marks, said = MOST_MARKS, []  # as if the line before it had ended in a pile: a mark needs a letter of its own
    for character in text:
        category = unicodedata.category(character)
        marks = marks + 1 if category in _MARKS else 0
        said.append(_sign(character, category) if marks <= MOST_MARKS else f"‹{ord(character):X}›")
    return "".join(said)


def _sign(character: str, category: str) -> str:
    code = ord(character)
    if code in _SIGNS:
        return _SIGNS[code]
    if category in _HIDDEN or unsure(character):
        return f"‹{code:X}›"
    return character
