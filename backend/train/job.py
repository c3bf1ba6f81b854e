"""What a trainer is told: the run's folder with its job.json, and the names inside it; torch-free."""

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import msgspec

from backend.models.catalog import ModelInfo, from_json, read_folder

FULL_DISK = 75
"""Exit status of a trainer that paused because nothing can be written (EX_TEMPFAIL)."""


class Job(msgspec.Struct, frozen=True, kw_only=True):
    """One run as the trainer needs it; never changed after the run was started."""

    run: str
    model: str
    model_path: str
    content: str
    """The store of contents, opened read-only."""
    settings: dict[str, Any]
    steps: int
    exact: bool = False
    """The number of steps was asked for: no early stop, no rounding, no adapting to the machine."""
    seconds: float | None = None
    """How long training may take; the trainer measures its speed and fits the number of steps to it."""
    most_steps: int = 0
    """Where `seconds` is given, never more steps than this."""
    adapter: str = ""
    """Folder of the checkpoint that it goes on from."""
    rival: str = ""
    """Name of the checkpoint that is served as the run begins, where it is to be beaten."""
    rival_path: str = ""
    windows: int = 24
    """Rows of the fixed test set."""
    threads: int = 2
    """Of each process; fixed, since other thread counts add numbers in another order."""
    processes: int = 1
    """Side by side, each with its share of every batch."""

    described: str = ""
    """The base model's description as JSON; empty for the starter."""

    def info(self) -> ModelInfo:
        """The base model's description. Raises NotFound where the starter is not in its folder."""
        return from_json(self.described) if self.described else read_folder(self.model, Path(self.model_path))


@dataclass(frozen=True)
class Folder:
    """`runs/<run>/` and what lies in it."""

    path: Path

    @property
    def job(self) -> Path:
        """What was asked for, as JSON."""
        return self.path / "job.json"

    @property
    def manifest(self) -> Path:
        """Every file the run learns from or is tested on."""
        return self.path / "manifest.jsonl"

    @property
    def journal(self) -> Path:
        """What the trainer tells, one JSON object a line."""
        return self.path / "journal.jsonl"

    @property
    def notes(self) -> Path:
        """What the engine has to say about the run, in the journal's form."""
        return self.path / "notes.jsonl"

    @property
    def log(self) -> Path:
        """Standard error of the trainer."""
        return self.path / "trainer.log"

    @property
    def checkpoints(self) -> Path:
        """One folder a checkpoint, by its step."""
        return self.path / "checkpoints"

    @property
    def state(self) -> Path:
        """Everything that resuming needs; replaced as a whole."""
        return self.path / "train_state" / "state.pt"

    @property
    def former_state(self) -> Path:
        """The state before that, for when the newest is damaged."""
        return self.path / "train_state" / "former.pt"

    def checkpoint(self, step: int) -> Path:
        """Where the checkpoint of a step lies, made or not."""
        return self.checkpoints / f"step-{step:06d}"

    def read_job(self) -> Job:
        """What was asked for. Raises OSError where it is missing, msgspec.DecodeError where it is damaged."""
        return msgspec.json.decode(self.job.read_bytes(), type=Job)

    def write_job(self, job: Job) -> None:
        """Written beside its place and renamed: half a job can never be read."""
        beside = self.job.with_suffix(".new")
        beside.write_bytes(msgspec.json.encode(job))
        beside.replace(self.job)
