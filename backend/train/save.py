"""Writes checkpoints and the resumable state so that a reader sees a whole one or none, whatever dies when."""

import errno
import hashlib
import io
import json
import os
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any, BinaryIO

import torch
from peft import set_peft_model_state_dict
from safetensors.torch import load_file

from backend.train.job import Folder

FULL = (errno.ENOSPC, errno.EDQUOT, errno.EFBIG)
"""What the system answers when there is no room left."""
DIGEST = 32
"""Bytes of SHA-256 at the end of a state."""
ADAPTER = "adapter_model.safetensors"


class NoRoom(Exception):
    """The disk is full; `message` says so in words, `hint` what to do."""

    def __init__(self, folder: Path, needed: int) -> None:
        megabytes = max(needed // 1_000_000, 1) + 1
        self.message = f"The disk is full: the run could not be saved in {folder}. The last good checkpoint is kept."
        self.hint = f"Free at least {megabytes} MB, then `refact-tui train resume {folder.name}`."
        super().__init__(self.message)


def save_checkpoint(folder: Folder, model: Any, step: int, meta: dict[str, Any]) -> tuple[Path, int]:
    """Write the PEFT adapter of `step` with its meta.json; returns where it lies and its bytes.

    A whole one that is there already stays: steps that are done again after a kill give the same weights.
    Raises NoRoom."""
    final = folder.checkpoint(step)
    if is_whole(final):
        return final, size_of(final)
    beside = final.with_name(f".{final.name}.{os.getpid()}")

    def write() -> None:
        shutil.rmtree(beside, ignore_errors=True)
        beside.mkdir(parents=True)
        model.save_pretrained(beside, safe_serialization=True)
        (beside / "README.md").unlink(missing_ok=True)
        told = {**meta, "step": step, "sha256": _sha256(beside / ADAPTER)}
        (beside / "meta.json").write_text(json.dumps(told, indent=1) + "\n")
        sync_folder(beside)
        shutil.rmtree(final, ignore_errors=True)
        beside.rename(final)
        sync(final.parent)

    _guarded(folder, write, lambda: shutil.rmtree(beside, ignore_errors=True))
    return final, size_of(final)


def save_state(folder: Folder, state: dict[str, Any]) -> None:
    """Replace the resumable state as a whole, and keep the one before. Raises NoRoom; then nothing has changed."""
    final = folder.state
    beside = final.with_suffix(".new")

    def write() -> None:
        final.parent.mkdir(parents=True, exist_ok=True)
        with beside.open("wb") as file:
            digesting = _Digesting(file)
            torch.save(state, digesting)
            file.write(digesting.digest())
            file.flush()
            os.fsync(file.fileno())
        if final.exists():
            final.replace(folder.former_state)
        beside.replace(final)
        sync(final.parent)

    _guarded(folder, write, lambda: beside.unlink(missing_ok=True))


def load_state(folder: Folder) -> tuple[dict[str, Any] | None, list[str]]:
    """The newest resumable state that is as it was written, None without one; and the names of those that are not."""
    unreadable: list[str] = []
    for path in (folder.state, folder.former_state):
        try:
            data = path.read_bytes()
        except OSError:
            continue
        body, digest = data[:-DIGEST], data[-DIGEST:]
        if hashlib.sha256(body).digest() == digest:
            return torch.load(io.BytesIO(body), weights_only=True), unreadable
        unreadable.append(path.name)
    return None, unreadable


class _Digesting(io.RawIOBase):
    """Passes on what is written, in order, and remembers its SHA-256: a state that was damaged must not be believed."""

    def __init__(self, file: BinaryIO) -> None:
        self._file, self._sum = file, hashlib.sha256()

    def write(self, data: Any) -> int:
        self._sum.update(data)
        return self._file.write(data)

    def digest(self) -> bytes:
        return self._sum.digest()


def load_adapter(model: Any, checkpoint: Path) -> None:
    """Put a checkpoint's weights into the adapters of `model`."""
    set_peft_model_state_dict(model, load_file(checkpoint / ADAPTER))


def is_whole(checkpoint: Path) -> bool:
    """Whether a checkpoint is there as it was written."""
    try:
        meta = json.loads((checkpoint / "meta.json").read_text())
        return bool(meta["sha256"] == _sha256(checkpoint / ADAPTER))
    except (OSError, ValueError, KeyError):
        return False


def best_whole(folder: Folder) -> Path | None:
    """Of the run's checkpoints that are as they were written the one of least test loss."""
    found = []
    for checkpoint in folder.checkpoints.glob("step-*"):
        if is_whole(checkpoint):
            meta = json.loads((checkpoint / "meta.json").read_text())
            if meta["test_loss"] is not None:
                found.append((meta["test_loss"], meta["step"], checkpoint))
    return min(found)[2] if found else None


def step_of(checkpoint: Path) -> int:
    """The step whose adapter a checkpoint holds."""
    return int(checkpoint.name.rpartition("-")[2])


def _sha256(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def fingerprint(manifest: Path) -> str:
    """Names exactly what a run was trained and tested on."""
    return hashlib.sha256(manifest.read_bytes()).hexdigest()


def clear_leftovers(folder: Folder) -> None:
    """Remove what a killed trainer had begun to write."""
    for left in folder.checkpoints.glob(".step-*"):
        shutil.rmtree(left, ignore_errors=True)
    folder.state.with_suffix(".new").unlink(missing_ok=True)


def size_of(folder: Path) -> int:
    """Bytes of the files in a folder."""
    return sum(file.stat().st_size for file in folder.iterdir() if file.is_file())


def sync(path: Path) -> None:
    """Make a file, or the names in a folder, survive a power cut."""
    handle = os.open(path, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


def sync_folder(folder: Path) -> None:
    """Have the disk keep the folder and every file in it. Raises OSError."""
    for file in folder.iterdir():
        sync(file)
    sync(folder)


def _guarded(folder: Folder, write: Callable[[], None], clean: Callable[[], None]) -> None:
    """Run `write`; where it fails, remove what it had begun and say in words why."""
    try:
        write()
    except Exception as error:
        clean()
        # safetensors and torch wrap the system's error in one of their own and keep only its words.
        full = getattr(error, "errno", None) in FULL or os.strerror(errno.ENOSPC) in str(error)
        if full or shutil.disk_usage(folder.path).free < 1_000_000:
            raise NoRoom(folder.path, 4 * _adapter_bytes(folder)) from error
        raise


def _adapter_bytes(folder: Folder) -> int:
    """Size of the largest file that the run has written, as a measure of what it needs."""
    return max((file.stat().st_size for file in folder.path.rglob("*") if file.is_file()), default=1_000_000)
