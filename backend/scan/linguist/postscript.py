"""PostScript that a program wrote; pure."""

import re

from backend.scan.linguist.signatures import Lines

FONT = re.compile(r"\n\s*(?:currentfile eexec\s+|/sfnts\s+\[\n<)[0-9a-fA-F]{8,}\n")
TOOLS = re.compile(
    r"[0-9]|draw|mpage|ImageMagick|inkscape|MATLAB|PCBNEW|pnmtops|\(Unknown\)|Serif Affinity|Filterimage -tops"
)


def generated_postscript(text: str, lines: Lines) -> bool:
    """By an embedded font or by who its header says made it."""
    if FONT.search(text):
        return True
    head = lines.first(10)
    creator = next((line for line in head if line.startswith("%%Creator: ")), None)
    if creator is None:
        return False
    eagle = any(line.startswith("%%Title: EAGLE Drawing ") for line in head[:5])
    return bool(TOOLS.search(creator)) or ("EAGLE" in creator and eagle)
