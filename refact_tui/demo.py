"""The demonstration: the quickstart's job in a process of its own, which goes on when the screen is left."""

import os
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

from backend.paths import Paths

COMMAND = (sys.executable, "-P", "-m", "refact_tui", "quickstart")
SILENT = "The demo ended without a word."


@dataclass(frozen=True)
class Left:
    """What it said at its end, or why it came to none."""

    text: str
    failed: bool = False


class Demo:
    """At most one a home; what it says at its end waits in a file until somebody has seen it."""

    def __init__(self, paths: Paths) -> None:
        self._paths = paths
        self.log = paths.logs / "quickstart.log"
        self._told = paths.logs / "quickstart.txt"
        self._process: subprocess.Popen[bytes] | None = None

    @property
    def begun(self) -> bool:
        """Whether one is at work, or has ended unseen."""
        return self._told.exists()

    def begin(self, folder: Path) -> None:
        """Start it on a git checkout. Raises OSError."""
        environment = {**os.environ, "PYTHONSAFEPATH": "1", "REFACT_TUI_HOME": str(self._paths.home)}
        with self._told.open("wb") as told, self.log.open("wb") as log:
            self._process = subprocess.Popen(
                [*COMMAND, str(folder)],
                stdin=subprocess.DEVNULL,
                stdout=told,
                stderr=log,
                cwd=self._paths.home,
                env=environment,
                start_new_session=True,
            )

    def left(self) -> Left | None:
        """What has not been seen yet, once it has ended; then it counts as seen. Raises OSError."""
        code = self._process.poll() if self._process is not None else 0
        if code is None or not self._told.exists():
            return None
        text = self._told.read_text(encoding="utf-8", errors="replace").strip()
        if self._process is None and not text:
            return None  # one that another screen has started is at work, or was killed
        self._process = None
        self._told.unlink()
        return Left(self._last_words(), failed=True) if code else Left(text)

    def _last_words(self) -> str:
        lines = self.log.read_text(encoding="utf-8", errors="replace").strip().splitlines()
        return lines[-1] if lines else SILENT
