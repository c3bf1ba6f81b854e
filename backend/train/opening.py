"""Opens what a run works with: torch's switches, its files as rows, its model with adapters, its optimizer."""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch

from backend.models.load import load_base
from backend.models.tokenizer import TextTokenizer, load_tokenizer
from backend.train import lora, save
from backend.train.batches import batch
from backend.train.dataset import Rows, Texts, held_out_rows, read_manifest
from backend.train.forward import quicken
from backend.train.job import Folder, Job
from backend.train.machine import precision_of
from backend.train.offload import OffloadedAdamW
from backend.train.packing import Row
from backend.train.ranks import Ranks

DTYPES = {"bf16": torch.bfloat16, "fp32": torch.float32}
BETAS = (0.9, 0.99)


@dataclass(frozen=True)
class Data:
    """A run's files, and the tokenizer that reads them."""

    tokenizer: TextTokenizer
    rows: Rows
    test: Texts
    held_out: list[Row]
    """The fixed test set."""

    @property
    def pad(self) -> int:
        """The token that fills a row up."""
        return self.tokenizer.marks.eot

    def sample(self) -> Row:
        """Any row."""
        return self.held_out[0] if self.held_out else next(self.rows.stream())[2]


@dataclass(frozen=True)
class Tuned:
    """The model with its adapters, and what moves them."""

    model: Any
    optimizer: Any
    weights: list[torch.nn.Parameter]


def set_up(job: Job) -> None:
    """Threads and determinism of a process that trains."""
    torch.set_num_threads(job.threads)
    torch.use_deterministic_algorithms(True, warn_only=True)
    # Else every new tensor is filled before it is written.
    torch.utils.deterministic.fill_uninitialized_memory = False


def open_data(folder: Folder, job: Job) -> Data:
    """Open the data; the rows themselves are made as they are needed."""
    info = job.info()
    tokenizer = load_tokenizer(info)
    members = read_manifest(folder.manifest)
    content = folder.path / job.content
    train = Texts(content, [member for member in members if member.set == "train"])
    test = Texts(content, [member for member in members if member.set == "test"])
    held_out = held_out_rows(test, info, tokenizer, job.settings["context"], job.windows, job.settings["seed"])
    return Data(tokenizer, Rows(train, info, tokenizer, job.settings), test, held_out)


def open_model(job: Job, sample: Row, pad: int, ranks: Ranks, say: Callable[[str], None]) -> Tuned:
    """The base model in the run's precision, frozen, with its adapters in fp32; `sample` is a row to try it with.

    Raises RefactError."""
    settings = job.settings
    dtype = DTYPES[precision_of(settings, torch.cuda.is_available())]
    base = load_base(job.info(), dtype, settings["quantisation"], ranks.device)
    model = lora.adapted(base, settings)
    if job.adapter:
        save.load_adapter(model, Path(job.adapter))
    if settings["quantisation"] == "none":
        model.to(ranks.device)
    if why := quicken(model, batch([sample], pad).to(ranks.device)):
        say(f"computes by the model's own arithmetic, since the quick one does not fit it ({why})")
    weights = list(lora.trainable(model).values())
    choices = {"lr": 0.0, "betas": BETAS, "weight_decay": settings["weight_decay"], "fused": True}
    optimizer = (OffloadedAdamW if settings["optimizer_offload"] else torch.optim.AdamW)(weights, **choices)
    return Tuned(model, optimizer, weights)
