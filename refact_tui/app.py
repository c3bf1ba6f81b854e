"""The way in: checks the terminal, starts the engine where none runs, and opens the app; light until then."""

import gc
import os
import sys
import threading

from backend.paths import Paths, find_home

OVER_SSH = {"TEXTUAL_FPS": "15", "TEXTUAL_ANIMATIONS": "none", "TEXTUAL_SMOOTH_SCROLL": "0"}
"""Fewer frames, and nothing that moves by itself, on a line that may be slow; what is set already stays."""
VERBS = "In scripts use the verbs: refact-tui --help"


def run() -> None:
    """Open the terminal program and return when the user has detached. Raises SystemExit where that cannot be."""
    refusal = why_not(os.environ.get("TERM", ""), sys.stdin.isatty() and sys.stdout.isatty())
    if refusal:
        sys.exit(refusal)
    suit_the_line()
    gc.disable()  # until the first screen is drawn everything that is made stays
    paths = Paths(find_home())
    from refact_tui.launch import LaunchError, ensure_engine

    # The engine starts while the screen's code is read from disk.
    failures: list[LaunchError] = []

    def start() -> None:
        try:
            ensure_engine(paths)
        except LaunchError as error:
            failures.append(error)

    starting = threading.Thread(target=start, daemon=True)
    starting.start()
    from refact_tui.frame import RefactApp

    starting.join()
    if failures:
        sys.exit(f"{failures[0].message}\n{failures[0].hint}".strip())
    app = RefactApp(paths)
    app.when_drawn = collect_again
    said = app.run()
    while (other := app.other) is not None:
        app = RefactApp(other, own=other == paths)
        said = app.run()
    if said:
        sys.stdout.write(f"{said}\n")
    if app.return_code:
        sys.exit(app.return_code)


def collect_again() -> None:
    """Look for garbage from now on, but never again among what the program itself is made of."""
    gc.freeze()
    gc.enable()


def suit_the_line() -> None:
    """Say to Textual how often to draw; it asks once, when it is first imported."""
    if os.environ.get("SSH_CONNECTION"):
        for name, value in OVER_SSH.items():
            os.environ.setdefault(name, value)


def why_not(term: str, on_terminal: bool) -> str:
    """Why no screen can be drawn here, in a sentence with what to do; empty when it can."""
    if not on_terminal:
        return f"refact-tui needs a terminal to draw on. Over ssh use `ssh -t`. {VERBS}"
    if term in ("", "dumb", "unknown"):
        return f"The terminal says TERM={term!r}, which cannot draw screens. Set it, e.g. to xterm-256color. {VERBS}"
    return ""
