"""Speaks with a Hugging Face hub, in a process of its own: what a model's repository holds, and its files, resumed.

Written here since the hub's own library fetches a file that was interrupted from its beginning again."""

import hashlib
import os
import re
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx

from backend.errors import BadRequest, NotFound, RefactError

DEFAULT = "https://huggingface.co"
TIMEOUTS = httpx.Timeout(60.0, connect=20.0)
ATTEMPTS = 5
"""Tries in a row without a single byte."""
NAME = re.compile(r"[A-Za-z0-9][\w.-]{0,95}(/[A-Za-z0-9][\w.-]{0,95})?", re.ASCII)
REVISION = re.compile(r"[\w./-]{1,100}", re.ASCII)
FILE = re.compile(r"[\w.-]{1,120}", re.ASCII)
AGENT = "refact-tui"
Tell = Callable[[int], None]
"""Bytes that came since it was told last."""


@dataclass(frozen=True)
class RemoteFile:
    """One file at the top of a repository."""

    name: str
    size: int
    sha256: str = ""
    """Of large files; others have none."""


@dataclass(frozen=True)
class Repository:
    """A model's repository at one commit."""

    name: str
    commit: str
    files: tuple[RemoteFile, ...]


def endpoint() -> str:
    """Where the hub is: HF_ENDPOINT, else the public one."""
    return (os.environ.get("HF_ENDPOINT") or DEFAULT).rstrip("/")


class Hub:
    """One hub, with or without a token. What every method raises: BadRequest, NotFound or RefactError in words."""

    def __init__(self, token: str = "", credential: str = "") -> None:
        headers = {"User-Agent": AGENT, "Accept-Encoding": "identity"}
        if token:
            headers["Authorization"] = f"Bearer {token}"
        # httpx sends the token to the hub's own host only, not where a redirect leads.
        self._http = httpx.Client(base_url=endpoint(), headers=headers, timeout=TIMEOUTS, follow_redirects=True)
        self._credential = credential

    def close(self) -> None:
        """Give the connections back."""
        self._http.close()

    def look(self, name: str, revision: str) -> Repository:
        """What a repository holds at a branch, tag or commit."""
        if not NAME.fullmatch(name) or not REVISION.fullmatch(revision) or ".." in revision:
            raise BadRequest(
                f"{name!r} is no model's name on the hub.",
                "They look like bigcode/starcoder2-3b; folders begin with /.",
            )
        with self._words(name, revision):
            answer = self._http.get(f"/api/models/{name}/revision/{revision.replace('/', '%2F')}?blobs=true")
            self._checked(answer, name, revision)
        try:
            told = answer.json()
            files = tuple(_file(one) for one in told["siblings"] if FILE.fullmatch(one["rfilename"]))
            commit = str(told["sha"])
        except (ValueError, KeyError, TypeError) as error:
            raise RefactError(
                f"{endpoint()} answers, but not as a hub does.", "Check HF_ENDPOINT; a proxy may answer instead."
            ) from error
        if not re.fullmatch(r"[0-9a-f]{7,64}", commit):
            raise RefactError(f"{endpoint()} names no commit for {name}.", "Check HF_ENDPOINT.")
        return Repository(name, commit, files)

    def fetch(self, repository: Repository, file: RemoteFile, path: Path, tell: Tell) -> None:
        """Bring one file, from where it was left; whole, of its size and sum, or not at all."""
        part = part_of(path, repository)
        failures = 0
        while not part.is_file() or part.stat().st_size < file.size or file.size == 0:
            before = part.stat().st_size if part.is_file() else 0
            try:
                with self._words(repository.name, repository.commit):
                    self._read_on(repository, file, part, tell)
                break
            except _Broken as error:
                failures = 0 if part.is_file() and part.stat().st_size > before else failures + 1
                if failures >= ATTEMPTS:
                    raise RefactError(*error.words) from error
                time.sleep(min(2**failures, 30) / 2)
        if part.stat().st_size != file.size or (file.sha256 and _sum(part) != file.sha256):
            part.unlink()
            raise RefactError(
                f"{file.name} did not come as the hub says that it is.", "Add the model again; that file is new then."
            )
        part.replace(path)

    def _read_on(self, repository: Repository, file: RemoteFile, part: Path, tell: Tell) -> None:
        start = part.stat().st_size if part.is_file() else 0
        headers = {"Range": f"bytes={start}-"} if start else {}
        url = f"/{repository.name}/resolve/{repository.commit}/{file.name}"
        with self._http.stream("GET", url, headers=headers) as answer:
            self._checked(answer, repository.name, repository.commit)
            with part.open("ab" if answer.status_code == 206 else "wb") as out:
                if start and answer.status_code != 206:
                    tell(-start)  # a server that knows no ranges begins anew
                for piece in answer.iter_raw():
                    out.write(piece)
                    tell(len(piece))
        if part.stat().st_size < file.size:
            raise _Broken((f"The hub at {endpoint()} broke off in the middle of {file.name}.", "Add the model again."))

    @contextmanager
    def _words(self, name: str, revision: str) -> Iterator[None]:
        """Turns what goes wrong on the way into words."""
        try:
            yield
        except httpx.InvalidURL as error:
            raise BadRequest(
                f"HF_ENDPOINT is {endpoint()!r}: {error}.", "It looks like https://hub.example."
            ) from error
        except httpx.UnsupportedProtocol as error:
            raise BadRequest(f"HF_ENDPOINT is {endpoint()!r}, which is no address.", "Begin with https://.") from error
        except httpx.TransportError as error:
            raise _Broken(
                (
                    f"The hub at {endpoint()} cannot be reached: {error or type(error).__name__}.",
                    "Check the network, the proxy and HF_ENDPOINT. Without a network, copy the model's folder to this "
                    "box and add its path.",
                )
            ) from error

    def _checked(self, answer: httpx.Response, name: str, revision: str) -> None:
        """Raises what a status of 400 and above means."""
        status, code = answer.status_code, answer.headers.get("X-Error-Code", "")
        if status < 400:
            return
        token = f" with the token {self._credential!r}" if self._credential else ""
        give = (
            "" if self._credential else " Keep a token (`credentials set hub --token`), then add with --credential hub."
        )
        if code == "GatedRepo" or status == 403:
            raise BadRequest(
                f"The owner of {name} wants its licence to be accepted first{token}.",
                f"Accept it at {endpoint()}/{name}.{give}",
                code="gated",
            )
        if code == "RevisionNotFound":
            raise NotFound(f"{name} has no revision {revision!r}.", "Look at its branches and tags on the hub.")
        if status == 401 and self._credential:
            raise BadRequest(
                f"The hub does not accept the token {self._credential!r} for {name}.",
                "Make a new one on the hub with read access, and keep it by another name.",
                code="unauthorised",
            )
        if status in (401, 404) and code != "EntryNotFound":
            raise NotFound(
                f"The hub at {endpoint()} knows no model {name}, or it is private.", f"Check its name.{give}"
            )
        if status == 429 or status >= 500:
            raise _Broken((f"The hub at {endpoint()} answers with status {status}.", "Add the model again later."))
        raise RefactError(f"The hub at {endpoint()} answers with status {status}.", "Look at the model on the hub.")


def part_of(path: Path, repository: Repository) -> Path:
    """Where a file lies until it is whole; of another commit it is another file."""
    return path.with_name(f".{path.name}.{repository.commit[:12]}.part")


class _Broken(RefactError):
    """It went wrong on the way and may go well the next time."""

    def __init__(self, words: tuple[str, str]) -> None:
        super().__init__(*words)
        self.words = words


def _file(told: dict[str, Any]) -> RemoteFile:
    large = told.get("lfs") or {}
    return RemoteFile(
        str(told["rfilename"]), int(large.get("size") or told.get("size") or 0), large.get("sha256") or ""
    )


def _sum(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
