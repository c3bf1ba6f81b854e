"""The README's pictures of the screen, and what makes them."""

from pathlib import Path

FOLDER = Path(__file__).parents[2] / "docs" / "shots"
NAMES = ("scan", "train", "checkpoints", "serve", "system")
"""One a room, in their order; each is `docs/shots/NAME.svg`."""
