"""Golden screens: what is on the screen, compared line by line with a text file; GOLDEN=write makes them anew."""

import os
from pathlib import Path

from refact_tui.frame import RefactApp
from tests.tui.pilots import screen_text

FOLDER = Path(__file__).parent / "golden"


def matches(app: RefactApp, name: str) -> None:
    """Fail with both screens where they differ."""
    path, seen = FOLDER / f"{name}.txt", screen_text(app) + "\n"
    if os.environ.get("GOLDEN") == "write":
        FOLDER.mkdir(exist_ok=True)
        path.write_text(seen, encoding="utf-8")
    assert seen == path.read_text(encoding="utf-8"), f"{name} is not what it was:\n{seen}"
