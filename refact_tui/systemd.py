"""Asks systemd to start the engine where a unit of ours keeps it, so that it is always the same one; standard library
only."""

import os
import subprocess

from backend.paths import UNIT, Paths, default_home, unit_file

HOME = "REFACT_TUI_HOME"
CARRIED = ("REFACT_TUI_HOST", "REFACT_TUI_PORT", "REFACT_TUI_PUBLIC_URL")
"""What the unit says of the endpoint where the shell that it was made in did."""
ESCAPES = str.maketrans({"\\": "\\\\", '"': '\\"', "\n": "\\n", "\t": "\\t", "%": "%%"})
RUNS = ("running", "start")
PATIENCE_S = 15


def environment_lines(paths: Paths) -> list[str]:
    """What a unit for this home has to say, in systemd's words: systemd knows nothing of a shell's environment."""
    own = {HOME: str(paths.home)} if paths.home != default_home() else {}
    own |= {name: value for name in CARRIED if (value := os.environ.get(name))}
    return [f"Environment={quoted(f'{name}={value}')}" for name, value in own.items()]


def quoted(text: str) -> str:
    """One word as systemd reads it in `Environment=`."""
    return f'"{text.translate(ESCAPES)}"'


def keeps(paths: Paths) -> bool:
    """Whether the installed unit is this home's, and says no less of the endpoint than this shell does."""
    try:
        said = unit_file().read_text(encoding="utf-8", errors="replace").splitlines()
    except OSError:
        return False
    wanted = environment_lines(paths)
    if paths.home == default_home() and any(line.startswith(f'Environment="{HOME}=') for line in said):
        return False
    return all(line in said for line in wanted)


def start() -> bool:
    """Have the unit started; False where systemd cannot be asked (no session bus, as after `su`) or says no."""
    # Starts that people ask for are counted like those after failures, until it is told to forget them.
    _asked("reset-failed", UNIT)
    return _asked("start", UNIT) is not None


def failing() -> bool:
    """Whether the unit's engine has ended, for good or until systemd tries again."""
    state = _asked("show", UNIT, "--property=SubState", "--value")
    return state is not None and state not in RUNS


def _asked(*arguments: str) -> str | None:
    """What `systemctl --user` prints; None where it is not there or fails."""
    try:
        done = subprocess.run(
            ["systemctl", "--user", *arguments],
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            check=False,
            timeout=PATIENCE_S,
        )
    except (OSError, subprocess.TimeoutExpired):
        return None
    return done.stdout.strip() if done.returncode == 0 else None
