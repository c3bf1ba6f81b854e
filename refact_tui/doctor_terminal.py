"""What the doctor finds about the terminal that it is asked on: size, colours, clipboard, encoding."""

import os
import shutil
import subprocess
import sys
from collections.abc import Mapping

from backend import wire
from refact_tui import glyphs, settings

NARROWEST, LOWEST = 80, 24
PATIENCE_S = 2
ANYWAY = "What is copied is shown too: select it with the mouse (shift held)."


def terminal_findings() -> list[wire.Finding]:
    """Of the terminal on standard output, or that it is none."""
    found = [_terminal(), _locale()]
    if sys.stdout.isatty():
        return [found[0], colours(os.environ), clipboard(os.environ, _tmux_passes(os.environ)), found[1]]
    return found


def colours(environment: Mapping[str, str]) -> wire.Finding:
    """How many colours the screen will draw with, and how to have more."""
    term = environment.get("TERM", "")
    if environment.get("NO_COLOR"):
        return wire.Finding(check="colours", ok=True, finding="None, as NO_COLOR asks.")
    if environment.get("COLORTERM", "").strip().lower() in ("truecolor", "24bit"):
        return wire.Finding(check="colours", ok=True, finding="16 million.")
    if "256color" in term:
        return wire.Finding(check="colours", ok=True, finding="256; COLORTERM=truecolor has themes drawn as they are.")
    said, inside = "16: themes are drawn as near as these come.", environment.get("TMUX") or environment.get("STY")
    remedy = "Where it can do more, say so: export TERM=xterm-256color"
    if inside:
        remedy = "In tmux: set -g default-terminal tmux-256color; in screen: term screen-256color"
    return wire.Finding(check="colours", ok=None, finding=said, remedy="" if term == "linux" else remedy)


def clipboard(environment: Mapping[str, str], tmux_passes: bool | None) -> wire.Finding:
    """Whether `y` reaches the clipboard of whoever sits there; `tmux_passes` is None where no tmux was asked."""
    if environment.get("TMUX") and tmux_passes is False:
        said = "tmux keeps what the screen copies to itself."
        return wire.Finding(check="clipboard", ok=False, finding=said, remedy="In tmux: set -g set-clipboard on")
    if environment.get("STY"):
        return wire.Finding(check="clipboard", ok=False, finding="GNU screen passes no copies on.", remedy=ANYWAY)
    if environment.get("TERM") == "linux":
        return wire.Finding(check="clipboard", ok=None, finding="The console has none.", remedy=ANYWAY)
    said = "Copies go out as OSC 52; terminals do not tell whether they take them."
    return wire.Finding(check="clipboard", ok=None, finding=said, remedy=ANYWAY)


def _tmux_passes(environment: Mapping[str, str]) -> bool | None:
    """Whether the tmux around us lets programs set the clipboard; its default is that they may not."""
    if not environment.get("TMUX"):
        return None
    try:
        command = ["tmux", "show-options", "-sv", "set-clipboard"]
        done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=PATIENCE_S)
    except (OSError, subprocess.TimeoutExpired):
        return None
    return done.stdout.strip() == "on" if done.returncode == 0 else None


def _terminal() -> wire.Finding:
    term = os.environ.get("TERM", "")
    if not sys.stdout.isatty():
        return wire.Finding(
            check="terminal", ok=None, finding="This is no terminal.", remedy="Over ssh use `ssh -t` for the screen."
        )
    size = shutil.get_terminal_size()
    good = term not in ("", "dumb") and size.columns >= NARROWEST and size.lines >= LOWEST
    remedy = "" if good else "The screen wants 80×24 and a TERM such as xterm-256color."
    return wire.Finding(
        check="terminal", ok=good, finding=f"{term or 'no TERM'}, {size.columns}×{size.lines}.", remedy=remedy
    )


def _locale() -> wire.Finding:
    around = glyphs.here(settings.load().glyphs)
    remedy = "" if around.level == "braille" else ": glyphs braille in the palette if it shows more than that."
    speaks = glyphs.is_utf8(around.encoding)
    if not speaks:
        remedy = "Set LANG=C.UTF-8 if the terminal shows UTF-8."
    said = f"Drawn in {around.level}: {around.why}."
    return wire.Finding(check="locale", ok=True if speaks else None, finding=said, remedy=remedy)
