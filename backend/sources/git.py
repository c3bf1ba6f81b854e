"""Reads a git commit from a bare shallow clone: no work tree, so no hooks, filters, links or case collisions."""

import os
from collections import Counter
from collections.abc import Generator, Iterator
from itertools import islice
from typing import TYPE_CHECKING, Any

from backend.errors import NotFound, RefactError
from backend.sources.members import HEAD as HEAD_BYTES
from backend.sources.members import LARGEST_READ, MOST_MEMBERS, Budget, Member, Place, safe_path, safe_text

if TYPE_CHECKING:
    from git import Repo

HEAD = "refs/refact/head"
"""Where the fetched commit is kept in our clone."""
PIECE = 1 << 16
LINK, SUBMODULE = b"120000", b"160000"
OF_THE_BOX = {"GIT_SSL_CAINFO", "GIT_SSL_CAPATH"}
"""Certificates of a company's own servers."""
SETTINGS = {
    "core.hooksPath": "/dev/null",
    "protocol.ext.allow": "never",
    "core.fsmonitor": "false",
    "gc.auto": "0",
    "http.lowSpeedLimit": "100",
    "http.lowSpeedTime": "60",
    "http.followRedirects": "false",
    "fetch.unpackLimit": "1",
}


def environment(local: bool) -> dict[str, str]:
    """The environment of every git we start: nothing asks, nothing of the system's configuration is obeyed."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith("GIT_") or name in OF_THE_BOX}
    settings = {
        "GIT_CONFIG_COUNT": str(len(SETTINGS)),
        **{f"GIT_CONFIG_KEY_{number}": key for number, key in enumerate(SETTINGS)},
        **{f"GIT_CONFIG_VALUE_{number}": value for number, value in enumerate(SETTINGS.values())},
    }
    return {
        **kept,
        **settings,
        "GIT_TERMINAL_PROMPT": "0",
        "GIT_ASKPASS": "true",
        "SSH_ASKPASS": "true",
        "GIT_CONFIG_NOSYSTEM": "1",
        "GIT_CONFIG_GLOBAL": os.devnull,
        "GIT_ALLOW_PROTOCOL": "file" if local else "https:ssh",
        "GIT_NO_LAZY_FETCH": "1",
        "LC_ALL": "C",
    }


def repository(clone: str) -> "Repo":
    """Our bare clone. Raises NotFound where it is missing."""
    os.environ.setdefault("GIT_PYTHON_REFRESH", "quiet")
    from git import Repo
    from git.exc import InvalidGitRepositoryError, NoSuchPathError

    try:
        repo = Repo(clone)
    except (InvalidGitRepositoryError, NoSuchPathError) as error:
        raise NotFound("The clone of this source is missing.", "Sync the source; it is fetched again.") from error
    # GitPython lays this over the process's own environment, where a GIT_DIR could point elsewhere.
    ours = {name: value for name, value in environment(True).items() if name.startswith("GIT_")}
    repo.git.update_environment(**ours, GIT_DIR=clone)
    return repo


def head(clone: str) -> str:
    """The fetched commit's id."""
    repo = repository(clone)
    try:
        return str(repo.git.rev_parse("--verify", f"{HEAD}^{{commit}}"))
    finally:
        repo.close()


def changes(clone: str, before: str, after: str) -> Counter[str]:
    """How many files were added, changed and removed between two commits; empty where the first is no longer there."""
    from git.exc import GitCommandError

    repo = repository(clone)
    words = {b"A": "added", b"D": "removed"}
    try:
        told = _records(repo.git.diff_tree("-r", "--name-status", "--no-renames", "-z", before, after, as_process=True))
        found = Counter(words.get(status, "changed") for status in islice(told, 0, 4 * MOST_MEMBERS, 2))
        told.close()
    except GitCommandError:
        return Counter()
    finally:
        repo.close()
    return found


def _records(process: Any) -> Generator[bytes, None, None]:
    """What git lists, as it comes: a few objects can tell of more files than there is memory."""
    rest = b""
    while piece := process.stdout.read(PIECE):
        *records, rest = (rest + piece).split(b"\0")
        yield from records
    process.wait()


def walk(place: Place, refused: Counter[str], read: bool) -> Iterator[Member]:
    """Every blob of the commit; links and submodules are counted. Raises NotFound for a subfolder that is not there."""
    from git.exc import GitCommandError

    repo = repository(place.clone)
    budget = Budget()
    tree = f"{place.commit or HEAD}:{place.subfolder or ''}"
    try:
        for record in _records(repo.git.ls_tree("-r", "-z", "--long", tree, as_process=True)):
            facts, _, name = record.partition(b"\t")
            mode, _, oid, length = facts.split()
            if mode in {LINK, SUBMODULE}:
                refused["symbolic link" if mode == LINK else "submodule"] += 1
                continue
            size = int(length)
            budget.take(size)
            path = safe_path(name.decode("utf-8", "surrogateescape"))
            if not read:
                yield Member(path, size, None)
                continue
            if size > LARGEST_READ:
                yield Member(path, size, None, head=repo.git.stream_object_data(oid.decode())[3].read(HEAD_BYTES))
                continue
            # get_object_data keeps one `git cat-file --batch` for the whole walk.
            data = repo.git.get_object_data(oid.decode())[3]
            yield Member(path, size, data)
    except GitCommandError as error:
        if place.subfolder and "Not a valid object name" in str(error.stderr):
            raise NotFound(
                f"There is no folder {place.subfolder} in this commit.", "Check the subfolder's name."
            ) from error
        raise RefactError(
            f"git could not read the clone: {safe_text(str(error.stderr).strip())}", "Sync the source."
        ) from error
    finally:
        repo.close()
