"""Which git checkout a demonstration can be run on: the one around the current folder, else the program's own."""

import subprocess
from pathlib import Path

from backend import paths

FEWEST, LEAST, MOST = 8, 64 * 1024, 512 * 1024
"""Files and bytes of all of them below which too little could be measured, and bytes above which a file is left out."""
PATIENCE_S = 20.0


def around() -> Path | None:
    """The top of the git repository around the current folder."""
    return _top(Path())


def own() -> Path | None:
    """The checkout that this program's source is a part of; none where it was only installed inside of one."""
    source = Path(paths.__file__)
    return _top(source.parent) if _git(source.parent, "ls-files", "--error-unmatch", source.name) else None


def to_show() -> Path | None:
    """The first of the two that has something committed to learn from."""
    return next((top for find in (around, own) if (top := find()) is not None and _holds_enough(top)), None)


def _top(folder: Path) -> Path | None:
    found = _git(folder, "rev-parse", "--show-toplevel").rstrip("\n")
    return Path(found) if found else None


def _holds_enough(top: Path) -> bool:
    """Lines of git are `MODE blob ID SIZE<tab>PATH`; a submodule has no size."""
    heads = [line.partition("\t")[0].split() for line in _git(top, "ls-tree", "-r", "-l", "-z", "HEAD").split("\0")]
    sizes = [int(head[3]) for head in heads if len(head) == 4 and head[3].isdecimal()]
    sizes = [size for size in sizes if size <= MOST]
    return len(sizes) >= FEWEST and sum(sizes) >= LEAST


def _git(folder: Path, *arguments: str) -> str:
    """What git says; nothing where it refuses, is not there, or takes too long."""
    command = ["git", "-C", str(folder), *arguments]
    try:
        done = subprocess.run(
            command, capture_output=True, text=True, errors="surrogateescape", check=False, timeout=PATIENCE_S
        )
    except (OSError, subprocess.TimeoutExpired):
        return ""
    return done.stdout if done.returncode == 0 else ""
