"""How many commits ago each file of a git source was changed: one walk from the newest commit back."""

import subprocess
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO

from backend.sources.git import environment
from backend.sources.history import FOLDER
from backend.sources.members import Place, safe_path

MOST_COMMITS, MOST_NAMES = 20_000, 2_000_000
"""Of a walk, whatever the fetch has brought; what was not reached is older."""
PIECE = 1 << 16
COMMIT, RENAMED, DELETED = b"@", b"R100", b"D"
WALK = ("log", "--date-order", "-c", "-M100%", "--name-status", "-z", f"--format={COMMIT.decode()}%H")
"""Children before parents, then by the committers' dates: no clock puts a commit before what it was built on.
Of a merge only what is in none of its parents; of renames those that changed nothing, which need no contents to see."""
Change = tuple[bytes, bytes, bytes]
"""Status, former name, name."""


@dataclass(frozen=True)
class Ages:
    """Commits since the last change of each file, by 8 bytes of its path: a million paths would cost memory."""

    found: dict[int, int] = field(default_factory=dict)

    def of(self, path: str) -> int | None:
        """0 for what the newest commit changed; None where git does not tell, or it is longer ago than was looked."""
        return self.found.get(hash(path))


def ages(place: Place) -> Ages:
    """Of every file, by its path as the source's reader gives it; of none where there is no history."""
    folder = Path(place.clone) / FOLDER
    if place.kind != "git" or not place.commit or not (folder / "HEAD").is_file():
        return Ages()
    own = {**environment(True), "GIT_DIR": str(folder)}
    tree = ["git", "ls-tree", "-r", "-z", "--name-only", f"{place.commit}:{place.subfolder or ''}"]
    listed = subprocess.run(tree, env=own, capture_output=True, check=False)
    if listed.returncode:
        return Ages()  # the branch has moved on, and what was fetched no longer leads to the commit
    walk = Walk({hash(_path(name)) for name in listed.stdout.split(b"\0") if name}, place.subfolder, _edge(folder))
    below = [place.subfolder] if place.subfolder else []
    log = ["git", "--literal-pathspecs", *WALK, f"--max-count={MOST_COMMITS}", place.commit, "--", *below]
    with subprocess.Popen(log, env=own, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL) as process:
        assert process.stdout is not None
        whole = walk.read(process.stdout)
        if not whole:
            process.kill()
    # Where git itself broke off nothing is known: what it would have told next is not older.
    return Ages(walk.found) if not whole or process.returncode == 0 else Ages()


def _path(name: bytes) -> str:
    return safe_path(name.decode("utf-8", "surrogateescape"))


def _edge(folder: Path) -> frozenset[bytes]:
    """Commits whose parents were not fetched: they seem to make every file anew."""
    try:
        return frozenset((folder / "shallow").read_bytes().split())
    except FileNotFoundError:
        return frozenset()


class Walk:
    """Takes what git tells of each commit, the newest first, until every file is found."""

    def __init__(self, names: set[int], subfolder: str | None, edge: frozenset[bytes]) -> None:
        self.found: dict[int, int] = {}
        self._sought = {name: name for name in names}
        """What is not found yet: its name at the time of the walk, and its name now."""
        self._inside = f"{subfolder}/".encode("utf-8", "surrogateescape") if subfolder else b""
        self._edge = edge

    def read(self, stream: IO[bytes]) -> bool:
        """Whether it was read to its end; it need not be where every file is found, or MOST_NAMES are told."""
        for age, (commit, changes) in enumerate(_commits(stream)):
            if changes is None or not self._sought:
                return False
            if commit not in self._edge:
                self._take(age, changes)
        return True

    def _take(self, age: int, changes: list[Change]) -> None:
        moved: dict[int, int] = {}
        for status, former, name in changes:
            if status.strip(DELETED) and (now := self._sought.pop(self._key(name), None)) is not None:
                if status == RENAMED:
                    moved[self._key(former)] = now
                else:
                    self.found[now] = age
        for former_name, now in moved.items():
            self._sought.setdefault(former_name, now)

    def _key(self, name: bytes) -> int:
        return hash(_path(name.removeprefix(self._inside)))


def _commits(stream: IO[bytes]) -> Iterator[tuple[bytes, list[Change] | None]]:
    """Each commit's id and changes; None for one in which there were more than MOST_NAMES in all."""
    commit, changes, told = b"", list[Change](), 0
    fields = _fields(stream)
    for one in fields:
        word = one.lstrip(b"\n")
        if word.startswith(COMMIT):
            if commit:
                yield commit, changes
            commit, changes = word.removeprefix(COMMIT), []
        elif word:
            # Names are taken by their place, so that none can pass for anything else.
            former = next(fields, b"") if word[:1] in b"RC" and word[1:].isdigit() else b""
            changes.append((word, former, next(fields, b"")))
            if (told := told + 1) > MOST_NAMES:
                yield commit, None
                return
    if commit:
        yield commit, changes


def _fields(stream: IO[bytes]) -> Iterator[bytes]:
    """What stands between zero bytes; an end without one is no field."""
    rest = b""
    while piece := stream.read(PIECE):
        *whole, rest = (rest + piece).split(b"\0")
        yield from whole
