"""Downloads a model in the process of its own: what describes it first, and only what can be used then its weights."""

import json
import shutil
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import msgspec

from backend.errors import TooLarge
from backend.models import choose, families
from backend.models.describe import Wanted, describe
from backend.models.hub import Hub, RemoteFile, Repository, part_of

RECORD = ".refact-tui.json"
"""Which files are whole, and of what."""
TELL_S = 0.3
WORTH_A_LOOK = 200_000_000
"""Bytes; less has come before transformers is imported, and the check that follows asks it anyway."""
SPARE = 500_000_000
"""Bytes that stay free on the disk."""
Emit = Callable[[dict[str, Any]], None]


class Download(msgspec.Struct, frozen=True, kw_only=True):
    """What to bring, and from where."""

    hub: str
    """E.g. bigcode/starcoder2-3b."""
    revision: str = "main"
    token: str = ""
    """File that holds it; empty for none."""
    credential: str = ""


def fetch(download: Download, wanted: Wanted, own: Path, emit: Emit) -> None:
    """Bring the model into `wanted.path`, going on with what is there. Raises RefactError with why that cannot be."""
    folder = Path(wanted.path)
    folder.mkdir(parents=True, exist_ok=True, mode=0o700)
    token = Path(download.token).read_text().strip() if download.token else ""
    hub = Hub(token, download.credential)
    try:
        repository = hub.look(download.hub, download.revision)
        emit({"kind": "commit", "commit": repository.commit})
        described = choose.small(repository, wanted.trust_remote_code)
        heavy = choose.weights(repository, wanted.allow_pickle)
        bring = _Bringer(hub, repository, folder, emit, [*described, *heavy])
        for file in described:
            bring(file)
        # What cannot be used is refused before gigabytes of it have come.
        info = describe(wanted, families.read(own), weights=False)
        if bring.missing > WORTH_A_LOOK:
            from backend.models.check import known

            known(info)
        _room(folder, bring.missing)
        for file in heavy:
            bring(file)
    finally:
        hub.close()


class _Bringer:
    """Fetches files of one repository, tells how far it is, and remembers which are whole."""

    def __init__(self, hub: Hub, repository: Repository, folder: Path, emit: Emit, files: list[RemoteFile]) -> None:
        self._hub, self._repository, self._folder, self._emit = hub, repository, folder, emit
        self._whole = self._read()
        self._total = sum(file.size for file in files)
        self._told = 0.0
        self._done = sum(self._there(file) for file in files)

    @property
    def missing(self) -> int:
        """Bytes that are still to come."""
        return self._total - self._done

    def __call__(self, file: RemoteFile) -> None:
        """Bring one file unless it is there. Raises what Hub.fetch raises."""
        path = self._folder / file.name
        self._tell(file.name, at_once=True)
        if self._whole.get(file.name) == self._mark(file) and path.is_file() and path.stat().st_size == file.size:
            return

        def count(size: int) -> None:
            self._done += size
            self._tell(file.name)

        self._hub.fetch(self._repository, file, path, count)
        self._whole[file.name] = self._mark(file)
        self._write()

    def _there(self, file: RemoteFile) -> int:
        """Bytes of a file that need not come again."""
        path = self._folder / file.name
        if self._whole.get(file.name) == self._mark(file) and path.is_file():
            return path.stat().st_size
        part = part_of(path, self._repository)
        return part.stat().st_size if part.is_file() else 0

    def _mark(self, file: RemoteFile) -> str:
        return file.sha256 or f"{self._repository.commit} {file.size}"

    def _read(self) -> dict[str, str]:
        try:
            found = json.loads((self._folder / RECORD).read_text())
        except (OSError, ValueError):
            return {}
        return dict(found) if isinstance(found, dict) else {}

    def _write(self) -> None:
        beside = self._folder / f"{RECORD}.new"
        beside.write_text(json.dumps(self._whole, indent=1))
        beside.replace(self._folder / RECORD)

    def _tell(self, name: str, at_once: bool = False) -> None:
        if at_once or time.monotonic() - self._told > TELL_S:
            self._told = time.monotonic()
            self._emit({"kind": "progress", "done": self._done, "total": self._total, "file": name})


def _room(folder: Path, missing: int) -> None:
    free = shutil.disk_usage(folder).free
    if missing + SPARE > free:
        raise TooLarge(
            f"The model takes {missing / 1e9:.1f} GB more, and {free / 1e9:.1f} GB are free on the disk.",
            "Free some space, then add it again: what has come is kept.",
        )
