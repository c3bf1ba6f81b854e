"""A program on a terminal of its own in tmux: keys go in, the screen comes out as text."""

import os
import shlex
import subprocess
import time
from collections.abc import Sequence


class Terminal:
    """One tmux server with one session; `kill` is a lost connection."""

    def __init__(self, name: str, width: int = 80, height: int = 24) -> None:
        self._server, self._size = f"rt-{os.getpid()}-{name}", (str(width), str(height))

    def _tmux(self, *arguments: str) -> str:
        command = ["tmux", "-f", "/dev/null", "-L", self._server, *arguments]
        return subprocess.run(command, capture_output=True, text=True, timeout=20, check=False).stdout

    def start(self, command: Sequence[str], environment: dict[str, str]) -> None:
        """Run a command in a new session."""
        exports = [f"{name}={value}" for name, value in environment.items()]
        unset = ("-u", "COLUMNS", "-u", "LINES")  # readline, in who runs the tests, sets them for whatever it starts
        line = shlex.join(["exec", "env", *unset, *exports, "TERM=xterm-256color", *command])
        self._tmux("new-session", "-d", "-x", self._size[0], "-y", self._size[1], line)
        self._tmux("set-option", "-s", "set-clipboard", "on")

    def pid(self) -> int:
        """The process on its terminal."""
        return int(self._tmux("list-panes", "-F", "#{pane_pid}"))

    def clipboard(self) -> str:
        """What was copied last, by the sequence OSC 52."""
        return self._tmux("show-buffer")

    def press(self, *keys: str) -> None:
        """Keys by tmux's names."""
        for key in keys:
            self._tmux("send-keys", key)
            time.sleep(0.15)

    def type(self, text: str) -> None:
        """Characters as they are."""
        self._tmux("send-keys", "-l", text)

    def screen(self) -> str:
        """What is on the screen now."""
        return self._tmux("capture-pane", "-p")

    def until(self, *words: str, seconds: float = 60) -> str:
        """The screen once all of these words are on it; fails with the last screen."""
        end = time.monotonic() + seconds
        while time.monotonic() < end:
            if all(word in (shown := self.screen()) for word in words):
                return shown
            time.sleep(0.2)
        raise AssertionError(f"{words} did not come:\n{shown}")

    def alive(self) -> bool:
        return bool(self._tmux("list-sessions").strip())

    def kill(self) -> None:
        self._tmux("kill-server")
