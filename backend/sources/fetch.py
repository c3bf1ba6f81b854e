"""Fetches one commit into a bare clone: progress, a time limit, and nothing that could run a stranger's code."""

import asyncio
import os
import re
import resource
import shutil
import signal
from collections.abc import Callable, Mapping
from pathlib import Path

from backend.errors import RefactError, TooLarge
from backend.sources.git import HEAD, environment
from backend.sources.members import MOST_BYTES, safe_text

SILENCE_S = 90.0
"""A server that says nothing for so long does not answer."""
LONGEST_S = 2 * 3600.0
FETCHING = (
    "--no-tags",
    "--no-recurse-submodules",
    "--update-shallow",
    "--no-write-fetch-head",
    "--force",
    "--progress",
)
"""How every fetch is done: one branch or tag, nothing beside it."""
PROGRESS = re.compile(r"(?:remote: )?([A-Z][\w ]+):\s+\d+% \((\d+)/(\d+)\)")
FULL = "File too large"
"""What the system tells git where a file would grow over the limit."""
UNFILTERED = "filtering not recognized by server"
"""git's warning that everything comes, contents too, where they were not wanted."""
Tell = Callable[[str, int, int], None]
"""What git is doing, how much of it is done, and of how much."""


async def fetch(
    clone: Path, location: str, branch: str | None, tell: Tell, own: Mapping[str, str] | None = None
) -> None:
    """Bring the newest commit of a branch or tag (None: the default branch) into `clone`.

    `own` is added to git's environment, and says which key it uses.
    Raises RefactError with git's own words where it fails, or where nothing answers in time."""
    if shutil.which("git") is None:
        raise RefactError("git is not installed on this box.", "Install git, then sync the source.")
    await prepare(clone)
    arguments = ["-C", str(clone), "fetch", "--depth=1", *FETCHING, "--", location, f"+{branch or 'HEAD'}:{HEAD}"]
    await run_git(arguments, location.startswith("/"), tell, own)


async def prepare(folder: Path) -> None:
    """Make an empty bare repository where there is none."""
    if not (folder / "HEAD").is_file():
        shutil.rmtree(folder, ignore_errors=True)
        folder.parent.mkdir(parents=True, exist_ok=True)
        await run_git(["init", "-q", "--bare", "--template=", str(folder)], True, lambda *_: None)


async def run_git(
    arguments: list[str],
    local: bool,
    tell: Tell,
    own: Mapping[str, str] | None = None,
    longest_s: float = LONGEST_S,
) -> None:
    """Run git to its end; where it takes longer than `longest_s` seconds its whole group is killed.

    Raises RefactError with git's own words, or as soon as git says that contents come which were not wanted."""
    process = await asyncio.create_subprocess_exec(
        "git",
        *arguments,
        stdin=asyncio.subprocess.DEVNULL,
        stdout=asyncio.subprocess.DEVNULL,
        stderr=asyncio.subprocess.PIPE,
        env={**environment(local), **(own or {})},
        start_new_session=True,
        preexec_fn=_bounded,
    )
    words: list[str] = []
    try:
        async with asyncio.timeout(longest_s):
            await _listen(process, words, tell)
            code = await process.wait()
    except TimeoutError as error:
        raise RefactError(
            f"The git server did not answer in time: it said nothing for {SILENCE_S:.0f} s, or took longer than "
            f"{longest_s / 60:.0f} minutes.",
            "Check the address and the network, then sync the source.",
        ) from error
    finally:
        if process.returncode is None:
            try:
                os.killpg(process.pid, signal.SIGKILL)
            except ProcessLookupError:
                pass
            await process.wait()
    if code and any(FULL in line for line in words):
        raise TooLarge(
            f"It sends more than {MOST_BYTES // 1024**3} GiB.", "Add an archive of the part that is to be learnt."
        )
    if code:
        raise RefactError(*_failure(words))


def _bounded() -> None:
    """In git's own process: no file of its grows over the limit, and it says so instead of being killed."""
    signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    resource.setrlimit(resource.RLIMIT_FSIZE, (MOST_BYTES, MOST_BYTES))


async def _listen(process: asyncio.subprocess.Process, words: list[str], tell: Tell) -> None:
    """Read stderr until it ends: progress goes to `tell`, the rest is kept. Raises TimeoutError and RefactError."""
    assert process.stderr is not None
    rest = ""
    while True:
        async with asyncio.timeout(SILENCE_S):
            piece = await process.stderr.read(8192)
        if not piece:
            break
        *lines, rest = re.split(r"[\r\n]", rest[-2000:] + piece.decode("utf-8", "replace"))
        for line in lines:
            if found := PROGRESS.match(line):
                tell(found[1].lower(), int(found[2]), int(found[3]))
            elif UNFILTERED in line:
                raise RefactError("The git server sends no history without contents (uploadpack.allowFilter is off).")
            elif line.strip():
                words.append(safe_text(line.strip())[:300])
                del words[:-30]
    if rest.strip():
        words.append(safe_text(rest.strip())[:300])


HINTS: tuple[tuple[tuple[str, ...], str], ...] = (
    (("couldn't find remote ref",), "There is no such branch or tag; check its name."),
    (
        ("Host key verification failed",),
        "The server's key is another than the one pinned at the first connection, which may be an attack. If its owner "
        "says that it has changed, forget the old one in System, Credentials, or by `refact-tui credentials "
        "forget-host HOST`, then sync.",
    ),
    (
        ("could not read Username", "Authentication failed", "Permission denied"),
        "It is private, or does not exist, or wants another key. Make one in System, Credentials, or by "
        "`refact-tui credentials set NAME`, let the server know it, and add the source with that key.",
    ),
    (
        ("URL returned error: 301", "URL returned error: 302", "URL returned error: 307", "URL returned error: 308"),
        "It has moved: add the address that it leads to, often the same with .git at its end.",
    ),
    (("Could not resolve host",), "Check the host's name and this box's network."),
    (("dubious ownership",), "The repository belongs to another user of this box; add a copy that is yours."),
)
"""What to do, by what git or ssh says; the first that is found."""


def _failure(words: list[str]) -> tuple[str, str]:
    """Message and hint for what git said."""
    whole = " ".join(words)
    said = [line for line in words if line.startswith(("fatal:", "error:", "ssh:"))] or words[-2:]
    if "couldn't find remote ref HEAD" in whole:
        return "The repository has no commits yet.", "Commit something, then sync the source."
    usual = "Check the address, then sync the source."
    hint = next((hint for signs, hint in HINTS if any(sign in whole for sign in signs)), usual)
    return f"git: {' '.join(said) or 'it gave no reason'}", hint
