"""Names that want to be more than names, files that are not what they seem, and folders without end."""

import os
import socket
import tarfile
from pathlib import Path

from tests.sources.hostile.archives import add, code, zip_of

LONG = 4000
NAMES = {
    "new\nline\r.py": "new\\x0aline\\x0d.py",
    "\x1b]0;PWNED\x07\x1b[31mEVIL.py": "\\x1b]0;PWNED\\x07\\x1b[31mEVIL.py",
    "\x9b31mC1.py": "\\x9b31mC1.py",
    "\u202eyp.live\u2066.py": "\\u202eyp.live\\u2066.py",
    "zero\u200bwidth\ufeff.py": "zero\\u200bwidth\\ufeff.py",
    "[b]markup[@click=app.exit].py": "[b]markup[@click=app.exit].py",
    "-rf.py": "-rf.py",
    "%s{0}$(touch x).py": "%s{0}$(touch x).py",
    "ünï 漢字 🎉.py": "ünï 漢字 🎉.py",
}
"""As they come, and as they are stored."""
SIGNS = (b"\x1b]0;PWNED", b"\x1b[31mEVIL", b"\x9b31m", b"\xc2\x9b", b"\xe2\x80\xae", b"\xe2\x81\xa6", b"\xe2\x80\x8b")
"""What of them must never reach a terminal."""
INVALID = os.fsdecode(b"bad\xff\xfe.py"), "bad\\xff\\xfe.py"


def shortened(path: str) -> str:
    """A path as it is stored where it is longer than a thousand characters."""
    return f"{path[:499]}…{path[-500:]}"


def tar_of_names(folder: Path) -> Path:
    path = folder / "names.tar"
    with tarfile.open(path, "w", format=tarfile.GNU_FORMAT, errors="surrogateescape") as tar:
        for number, name in enumerate([*NAMES, INVALID[0], "x" * LONG + ".py"]):
            add(tar, name, code(20 + number))
    return path


def zip_of_names(folder: Path) -> Path:
    names = [*NAMES, "x" * LONG + ".py"]
    return zip_of(folder / "names.zip", {name: code(40 + number) for number, name in enumerate(names)})


def folder_of_names(folder: Path) -> Path:
    for number, name in enumerate([*NAMES, INVALID[0]]):
        (folder / name).write_bytes(code(60 + number))
    return folder


def stored(*more: str) -> dict[str, str | None]:
    """Every name as it is stored; all are accepted."""
    return dict.fromkeys([*NAMES.values(), *more])


def special_files(folder: Path) -> Path:
    """Links out and in a circle, a pipe, a socket, and a repository's own folder."""
    (folder / "a.py").write_bytes(code(80))
    (folder / "out.py").symlink_to("/etc/passwd")
    (folder / "around").symlink_to(folder)
    (folder / "hard.py").hardlink_to(folder / "a.py")
    os.mkfifo(folder / "pipe.py")
    with socket.socket(socket.AF_UNIX) as made:
        made.bind(str(folder / "socket.py"))
    (folder / "sub" / ".git").mkdir(parents=True)
    (folder / "sub" / ".git" / "config").write_text("[core]\n\tfsmonitor = touch sprung\n")
    return folder


def deep(folder: Path) -> Path:
    """Deeper than functions can call each other; the last is deeper than a path can be long."""
    (folder / "a.py").write_bytes(code(81))
    before = Path.cwd()
    try:
        os.chdir(folder)
        for _ in range(2200):
            os.mkdir("d")  # noqa: PTH102 (relative, since the whole path is too long for the system)
            os.chdir("d")
        Path("too_deep.py").write_bytes(code(82))
    finally:
        os.chdir(before)
    return folder


def encodings(folder: Path) -> Path:
    """Sources as they are found in old projects, and what only looks like text."""
    text = "def grüße(wert):\n    return 'für ' + wert  # Ä{}\n"
    for number, encoding in enumerate(("utf-16", "utf-16-be", "latin-1", "utf-8-sig", "utf-32")):
        (folder / f"{encoding}.py").write_bytes(text.format(number).encode(encoding))
    (folder / "half.py").write_bytes(b"\xff\xfe\x00")
    (folder / "undefined.py").write_bytes(b"x = '\x81\x8d\x8f'\n")
    (folder / "zip.py").write_bytes(b"PK\x03\x04" + code(83))
    (folder / "empty.py").write_bytes(b"")
    return folder


ENCODINGS: dict[str, str | None] = {
    "utf-16.py": None,
    "utf-16-be.py": "not_text",
    "latin-1.py": None,
    "utf-8-sig.py": None,
    "utf-32.py": None,
    "half.py": "linguist_error",
    "undefined.py": "linguist_error",
    "zip.py": "not_text",
    "empty.py": None,
}
