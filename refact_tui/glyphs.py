"""Which signs a terminal can show, and the nearest one for each that it cannot: the one place that knows.

Everything is written in the signs of the highest level; what is drawn passes through `Glyphs.shown` last. A sign and
its stand-in are one cell wide, so that nothing moves.
"""

import codecs
import os
import sys
import unicodedata
from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache
from typing import Literal, get_args

from rich.cells import cell_len, set_cell_size

Level = Literal["braille", "block", "ascii"]
LEVELS: tuple[Level, ...] = get_args(Level)
"""Everything; what the fonts of code page 437 hold (the Linux console, old fonts of PuTTY); 7 bits."""

SEVEN_BITS = ("vt", "ansi", "cons25")
"""How the names of terminals begin that have nothing but letters."""

_STAND_INS = {
    "✓": "√+", "✗": "xx", "★": "**", "▲": "▲^", "●": "•o", "•": "•*", "◌": "○.", "▶": "►>", "◆": "♦#", "■": "■#",
    "▪": "■o", "▫": "○x", "‖": "║=", "▸": "►>", "◂": "◄<", "→": "→>", "⟷": "↔=", "…": "~~", "–": "--", "−": "--",
    "·": "·-", "×": "xx", "±": "±~", "›": ">>", "‹": "<<", "▏": "│|", "▎": "│|", "▍": "│|", "▌": "▌>", "▋": "▌|",
    "▊": "▌|", "▉": "█#", "█": "█#", "▇": "█*", "▆": "█+", "▅": "▄=", "▄": "▄-", "▃": "▄:", "▂": "_.", "▁": "__",
    "▔": "▀-", "▀": "▀-", "▐": "▐|", "▕": "│|", "░": "░.", "▒": "▒%", "▓": "▓%", "┈": "·-", "▼": "▼v", "◀": "◄<",
    "▖": "▄.", "▗": "▄.", "▘": "▀'", "▝": "▀'", "▙": "█#", "▛": "█#", "▜": "█#", "▟": "█#", "▚": "█#", "▞": "█#",
}  # fmt: skip
"""By sign: its stand-in among blocks, and in ASCII."""
_LINES = {"LR": "─", "DU": "│", "DR": "┌", "DL": "┐", "RU": "└", "LU": "┘", "DRU": "├", "DLU": "┤", "DLR": "┬",
          "LRU": "┴", "DLRU": "┼"}  # fmt: skip
_WAYS = {"UP": "U", "DOWN": "D", "LEFT": "L", "RIGHT": "R", "HORIZONTAL": "LR", "VERTICAL": "DU"}
_BOXES, _BRAILLE, _PICTURES = range(0x2500, 0x2580), range(0x2800, 0x2900), range(0x2400, 0x2440)


@dataclass(frozen=True)
class Terminal:
    """What a terminal can show, the encoding that it can be sent, and how one knows."""

    level: Level
    encoding: str
    why: str


def terminal(environment: Mapping[str, str], encoding: str, coerced: bool) -> Terminal:
    """What the environment says of the terminal.

    `encoding` is the output's; `coerced` is set where Python has put UTF-8 in the place of the C locale, which it
    tells by a LC_CTYPE of its own: a terminal that is said to be C is taken at its word.
    """
    said = ""
    for name in ("LC_ALL", "LC_CTYPE", "LANG"):
        value = environment.get(name, "")
        if value and not (name == "LC_CTYPE" and coerced and value in ("C.UTF-8", "C.utf8", "UTF-8")):
            said = value
            break
    if said in ("C", "POSIX"):
        return Terminal("ascii", "ascii", f"the locale is {said}")
    codeset = said.partition("@")[0].partition(".")[2] or encoding
    if not is_utf8(codeset):
        return Terminal("ascii", _known(codeset), f"the encoding is {codeset}")
    term = environment.get("TERM", "")
    level: Level = "ascii" if term.startswith(SEVEN_BITS) else "block" if term == "linux" else "braille"
    return Terminal(level, "utf-8", "the terminal speaks UTF-8" if level == "braille" else f"TERM is {term}")


def here(choice: str) -> Terminal:
    """What the terminal around this process can show; `choice` is a level or `auto`."""
    encoding = getattr(sys.__stderr__, "encoding", None) or "ascii"  # the screen is drawn on stderr
    found = terminal(os.environ, encoding, bool(sys.flags.utf8_mode))
    if choice not in LEVELS:
        return found
    # Who asks for signs that the locale denies knows the terminal better than the locale does.
    return Terminal(choice, found.encoding if choice == "ascii" else encoding, "chosen in the settings")


class Glyphs:
    """The signs of one level; `encoding` is what the terminal can be sent beyond them."""

    def __init__(self, level: Level = "braille", encoding: str = "utf-8") -> None:
        self.level, self.encoding = level, encoding
        self._all = is_utf8(encoding)

    @property
    def changes(self) -> bool:
        """False where everything is drawn as it is written."""
        return self.level != "braille" or not self._all

    def shown(self, text: str) -> str:
        """The text as it is drawn, of the same width in cells."""
        if text.isascii():
            return text
        drawn = text.translate(_table(self.level))
        if not self._all:
            drawn = "".join(map(self._sendable, drawn))
        width = cell_len(text)
        return drawn if cell_len(drawn) == width else set_cell_size(drawn, width)

    def _sendable(self, character: str) -> str:
        """A stranger's letter, without its accent or as `?` where the encoding has no place for it."""
        try:
            character.encode(self.encoding)
        except UnicodeEncodeError:
            bare = unicodedata.normalize("NFKD", character).encode("ascii", "ignore").decode()
            width = cell_len(character)
            return bare if cell_len(bare) == width else "?" * width
        return character


@lru_cache(len(LEVELS))
def _table(level: Level) -> dict[int, str]:
    """What `str.translate` puts in the place of what this level lacks."""
    if level == "braille":
        return {}
    at = LEVELS.index(level) - 1
    table = {ord(sign): both[at] for sign, both in _STAND_INS.items()}
    table |= {code: _line(code, level) for code in _BOXES if code not in table}
    table |= dict.fromkeys(_BRAILLE, "·:"[at]) | dict.fromkeys(_PICTURES, "?")
    return table


def _line(code: int, level: Level) -> str:
    """The thin line that goes where a thick, double, round or dashed one goes."""
    named = unicodedata.name(chr(code)).split()
    ways = "".join(sorted({way for word in named for way in _WAYS.get(word, "")}))
    if "DIAGONAL" in named:
        return "X" if "CROSS" in named else "/" if named[-3:] == ["TO", "LOWER", "LEFT"] else "\\"
    thin = _LINES.get(ways) or ("─" if ways in ("L", "R") else "│")
    return thin if level == "block" else {"─": "-", "│": "|"}.get(thin, "+")


def is_utf8(encoding: str) -> bool:
    """Whether an encoding of this name can send everything."""
    return encoding.lower().replace("-", "").replace("_", "") == "utf8"


def _known(codeset: str) -> str:
    try:
        return codecs.lookup(codeset).name
    except LookupError:
        return "ascii"
