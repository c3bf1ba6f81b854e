"""`engine unit`: systemd keeps the engine, over logouts and reboots."""

import shutil
from pathlib import Path

import click

from backend.paths import linger_file, unit_file, user_name
from refact_tui.cli.engine import engine
from refact_tui.cli.engine_link import paths
from refact_tui.cli.output import REFUSED, Failure, emit, tell
from refact_tui.cli.verbs import verb, yes_or_no
from refact_tui.launch import answers
from refact_tui.unit import unit

ENABLE = ("systemctl --user daemon-reload", "systemctl --user enable --now refact-tui")
WHY = "so that it starts with the box and goes on when your last session ends; without it systemd ends it there"


@verb(engine, "unit")
@click.option("--install", is_flag=True, help="Write it where systemd looks for your own units.")
@yes_or_no
def engine_unit(install: bool, yes: bool, as_json: bool) -> None:
    """Print a systemd user unit for this installation and state folder."""
    home, path = paths(), unit_file()
    text = unit(home)
    there = _read(path)
    if install and there != text:
        if there is not None and not yes:
            raise Failure(
                f"{path} is there already and says something else.",
                "Agree with --yes to write it anew; what is yours is safe in `systemctl --user edit refact-tui`.",
                "refused",
                REFUSED,
            )
        _write(path, text)
    steps = _steps(answers(home))
    found = {"unit": text, "path": str(path), "installed": install or there == text, "next": steps}
    emit(found, as_json, f"Written to {path}." if install else text.rstrip("\n"), exact=True)
    if not install:
        tell(f"\nNothing is written yet: refact-tui engine unit --install puts it into {path}. Then:")
    for step in steps if shutil.which("systemctl") else ():
        tell(f"  {step}{f'   # {WHY}' if step.startswith('loginctl') else ''}")
    if not shutil.which("systemctl"):
        tell("This box has no systemctl, so nothing here will read it; refact-tui engine run suits other supervisors.")


def _steps(running: bool) -> list[str]:
    """What is still to do, in order: two engines cannot share a home, and lingering is asked for once."""
    user = user_name()
    first = ["refact-tui engine stop"] if running else []
    last = [] if linger_file(user).exists() else [f"loginctl enable-linger {user}"]
    return [*first, *ENABLE, *last]


def _read(path: Path) -> str | None:
    try:
        return path.read_text(encoding="utf-8", errors="replace")
    except FileNotFoundError:
        return None
    except OSError as error:
        raise Failure(f"{path} cannot be read: {error.strerror or error}.") from error


def _write(path: Path, text: str) -> None:
    """The whole file or nothing of it."""
    draft = path.with_suffix(".draft")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        draft.write_text(text, encoding="utf-8")
        draft.replace(path)
    except OSError as error:
        raise Failure(f"{path} cannot be written: {error.strerror or error}.") from error
