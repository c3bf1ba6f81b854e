"""A picture without what some renderers trip over: blanks around words, and fonts from another server."""

import re

CELL = 12.2
"""Units that Rich gives a character."""
BLANK = "&#160;"
WORDS = re.compile(r'(<text class="[^"]*") x="([\d.]+)" y="([\d.]+)" textLength="[\d.]+"([^>]*)>([^<]*)</text>\s?')
FONT = re.compile(r"\s*@font-face \{.*?\}", re.DOTALL)


def bare(svg: str) -> str:
    """The same picture: each text stands where its first letter does, and lines end without blanks."""
    drawn = WORDS.sub(_placed, FONT.sub("", svg))
    return "\n".join(line.rstrip() for line in drawn.splitlines() if line.strip()) + "\n"


def _placed(match: re.Match[str]) -> str:
    start, x, y, rest, text = match.groups()
    words = text.removesuffix("\n")
    before = (len(words) - len(_without(words, first=True))) // len(BLANK)
    words = _without(_without(words, first=True), first=False)
    cells = len(re.sub(r"&[^;]+;", "x", words))
    at = f"{float(x) + before * CELL:.1f}"
    return f'{start} x="{at}" y="{y}" textLength="{cells * CELL:.1f}"{rest}>{words}</text>\n' if words else ""


def _without(text: str, first: bool) -> str:
    """Without the blanks at one end."""
    while text.startswith(BLANK) if first else text.endswith(BLANK):
        text = text.removeprefix(BLANK) if first else text.removesuffix(BLANK)
    return text
