"""Fetches a repository's commits and folders without the contents of its files: enough to see what changed when."""

import asyncio
import shutil
from collections.abc import Mapping
from pathlib import Path

from backend.errors import RefactError
from backend.sources import git
from backend.sources.fetch import FETCHING, Tell, prepare, run_git

FOLDER = "history"
"""Inside the clone, apart from the contents: what reads those never meets a repository that lacks some."""
DEPTH = 2000
"""Commits back from the newest along any line; a file that none of them changed counts as older."""
LONGEST_S = 120.0
REMOTE = "source"
"""git keeps track of what it was not sent by a remote's name."""
FILTERED_BY_US = "git -c uploadpack.allowFilter=true upload-pack"
"""How a repository of this box is read: few allow what costs nobody anything here."""


async def bring(
    clone: Path, commit: str, location: str, branch: str | None, tell: Tell, own: Mapping[str, str] | None = None
) -> str:
    """Bring the history of `commit`, which `clone` holds; why it did not come in words, empty where it did.

    Only the times of changes are lost without it, so what fails here fails nothing else."""
    folder = clone / FOLDER
    if await asyncio.to_thread(_head, folder) == commit:
        return ""
    local = location.startswith("/")
    arguments = ["-C", str(folder), "-c", f"remote.{REMOTE}.url={location}", "fetch", f"--depth={DEPTH}", *FETCHING]
    arguments += ["--filter=blob:none", *(["--upload-pack", FILTERED_BY_US] if local else [])]
    try:
        await prepare(folder)
        await run_git([*arguments, "--", REMOTE, f"+{branch or 'HEAD'}:{git.HEAD}"], local, tell, own, LONGEST_S)
    except RefactError as error:
        # What a fetch that broke off has left is never collected, so the next one begins anew.
        await asyncio.to_thread(shutil.rmtree, folder, ignore_errors=True)
        return f"held-out files are chosen by hash, since the history did not come: {error.message}"
    return ""


def _head(folder: Path) -> str | None:
    from git.exc import GitCommandError

    try:
        return git.head(str(folder))
    except (RefactError, GitCommandError):
        return None
