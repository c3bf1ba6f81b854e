"""Writes checkpoints and the resumable state so that a reader sees a whole one or none, whatever dies when."""

import errno
import hashlib
import json
import os
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import torch
from peft import set_peft_model_state_dict
from safetensors.torch import load_file

from backend.train.job import Folder

FULL = (errno.ENOSPC, errno.EDQUOT, errno.EFBIG)
"""What the system answers when there is no room left."""


class NoRoom(Exception):
    """The disk is full; `message` says so in words, `hint` what to do."""

    def __init__(self, folder: Path, needed: int) -> None:
        megabytes = max(needed // 1_000_000, 1) + 1
        self.message = f"The disk is full: the run could not be saved in {folder}. The last good checkpoint is kept."
        self.hint = f"Free at least {megabytes} MB, then `refact-tui train resume {folder.name}`."
        super().__init__(self.message)


def save_checkpoint(folder: Folder, model: Any, step: int, meta: dict[str, Any]) -> tuple[Path, int]:
    """Write the PEFT adapter of `step` with its meta.json; returns where it lies and its bytes.

    One that is there already stays: steps that are done again after a kill give the same weights. Raises NoRoom."""
    final = folder.checkpoint(step)
    if (final / "meta.json").exists():
        return final, size_of(final)
    beside = final.with_name(f".{final.name}.{os.getpid()}")

    def write() -> None:
        shutil.rmtree(beside, ignore_errors=True)
        beside.mkdir(parents=True)
        model.save_pretrained(beside, safe_serialization=True)
        (beside / "README.md").unlink(missing_ok=True)
        (beside / "meta.json").write_text(json.dumps({**meta, "step": step}, indent=1) + "\n")
        sync_folder(beside)
        shutil.rmtree(final, ignore_errors=True)
        beside.rename(final)
        sync(final.parent)

    _guarded(folder, write, lambda: shutil.rmtree(beside, ignore_errors=True))
    return final, size_of(final)


def save_state(folder: Folder, state: dict[str, Any]) -> None:
    """Replace the resumable state as a whole. Raises NoRoom; then the former one is still there."""
    final = folder.state
    beside = final.with_suffix(".new")

    def write() -> None:
        final.parent.mkdir(parents=True, exist_ok=True)
        with beside.open("wb") as file:
            torch.save(state, file)
            file.flush()
            os.fsync(file.fileno())
        beside.replace(final)
        sync(final.parent)

    _guarded(folder, write, lambda: beside.unlink(missing_ok=True))


def load_state(folder: Folder) -> dict[str, Any] | None:
    """The newest resumable state, or None where there is none that can be read."""
    try:
        loaded: dict[str, Any] = torch.load(folder.state, weights_only=True)
    except (OSError, RuntimeError, EOFError, ValueError):
        return None
    return loaded


def load_adapter(model: Any, checkpoint: Path) -> None:
    """Put a checkpoint's weights into the adapters of `model`."""
    set_peft_model_state_dict(model, load_file(checkpoint / "adapter_model.safetensors"))


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
