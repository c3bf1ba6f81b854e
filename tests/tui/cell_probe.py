"""Run on a terminal: writes every character as we would show it, and asks the terminal where its cursor is then."""

import os
import re
import sys
import tty
from pathlib import Path

from rich.cells import cell_len

from refact_tui.signs import clean

UNIFORM = ((0x3400, 0x9FFF), (0xAC00, 0xD7A3), (0x17000, 0x18CFF))
"""Ideographs and syllables by the thousand, of which one is as wide as the other; every hundredth is asked about."""
BEFORE = "a"
"""What a mark stands over."""


def cells(text: str) -> int:
    """How far the terminal's cursor moves for it."""
    os.write(1, b"\r\x1b[K" + text.encode() + b"\x1b[6n")
    answer = b""
    while not answer.endswith(b"R"):
        answer += os.read(0, 64)
    found = re.search(rb";(\d+)R", answer)
    assert found
    return int(found[1]) - 1


def asked() -> list[int]:
    """The characters that are shown as they are, by number."""
    codes = [
        code
        for code in range(0xA0, 0x20000)
        if code % 100 == 0 or not any(first <= code <= last for first, last in UNIFORM)
    ]
    return [code for code in codes if clean(BEFORE + chr(code)) == BEFORE + chr(code)]


if __name__ == "__main__":
    tty.setraw(0)
    told = asked()
    off = [f"{code:X}" for code in told if cells(BEFORE + chr(code)) != cell_len(BEFORE + chr(code))]
    result = Path(sys.argv[1])
    draft = result.with_suffix(".draft")
    draft.write_text(f"{len(told)} {' '.join(off)}".strip())
    draft.replace(result)
