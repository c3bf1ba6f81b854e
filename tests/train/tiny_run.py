"""A run's folder around a random two-layer Llama that trains in milliseconds a step, and its trainer as a process."""

import hashlib
import json
import os
import shutil
import subprocess
import sys
import sysconfig
import time
from pathlib import Path
from typing import Any

import torch
from tokenizers import Tokenizer, decoders, models, pre_tokenizers, trainers

from backend.store.content import ContentStore
from backend.train import launch as launching
from backend.train.dataset import Member, write_manifest
from backend.train.job import Folder, Job
from backend.train.settings import merged

MODULES = (
    "bisect",
    "cmd",
    "colorsys",
    "copy",
    "fnmatch",
    "heapq",
    "keyword",
    "linecache",
    "queue",
    "sched",
    "shlex",
    "this",
)
SPECIALS = ["<|endoftext|>", "<fim_prefix>", "<fim_suffix>", "<fim_middle>"]


def write_model(folder: Path, tied: bool = True) -> Path:
    """A complete model folder; `tied`: the same embeddings at both ends."""
    from transformers import LlamaConfig, LlamaForCausalLM

    folder.mkdir(parents=True, exist_ok=True)
    tokenizer = Tokenizer(models.BPE())
    tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    tokenizer.decoder = decoders.ByteLevel()
    alphabet = pre_tokenizers.ByteLevel.alphabet()
    trainer = trainers.BpeTrainer(
        vocab_size=512, special_tokens=SPECIALS, initial_alphabet=alphabet, show_progress=False
    )
    tokenizer.train_from_iterator([text for _, text in texts()], trainer)
    tokenizer.save(str(folder / "tokenizer.json"))
    torch.manual_seed(3)
    config = LlamaConfig(
        vocab_size=tokenizer.get_vocab_size(),
        hidden_size=32,
        intermediate_size=48,
        num_hidden_layers=2,
        num_attention_heads=2,
        num_key_value_heads=1,
        head_dim=16,
        max_position_embeddings=512,
        tie_word_embeddings=tied,
        bos_token_id=None,
        eos_token_id=0,
        pad_token_id=0,
    )
    LlamaForCausalLM(config).save_pretrained(folder)
    facts = {"fim_layout": "spm_contiguous", "context": 512, "languages": ["Python"], "loss_threshold": 9.0}
    (folder / "starter.json").write_text(json.dumps(facts))
    return folder


def texts() -> list[tuple[str, str]]:
    library = Path(sysconfig.get_paths()["stdlib"])
    return [(name, (library / f"{name}.py").read_text()) for name in MODULES]


def write_run(path: Path, model: Path, steps: int, **settings: Any) -> Folder:
    """A run of exactly `steps` steps on a dozen modules of the standard library."""
    path.mkdir(parents=True)
    store = ContentStore(path / "content.db")
    members = []
    for number, (name, text) in enumerate(texts()):
        sha256 = hashlib.sha256(text.encode()).hexdigest()
        store.put_many([(sha256, text.encode())])
        members.append(Member(sha256, f"{name}.py", "test" if number % 4 == 3 else "train"))
    store.close()
    planned = {"learning_rate": 4e-3, "batch_size": 4, "context": 128, "warmup_num_steps": 2, "lora_r": 4}
    planned["eval_places"] = 12
    folder = Folder(path)
    write_manifest(folder.manifest, members)
    folder.write_job(
        Job(
            run=path.name,
            model="starter",
            model_path=str(model),
            content=str(path / "content.db"),
            settings=merged({**planned, **settings}),
            steps=steps,
            exact=True,
            windows=4,
            threads=1,
            processes=settings.get("processes", 1),
        )
    )
    return folder


def launch(folder: Folder) -> subprocess.Popen[bytes]:
    """The trainer, as the engine starts it."""
    processes = folder.read_job().processes
    command = [sys.executable, "-m", *launching.command(folder, processes)]
    with folder.log.open("ab") as log:
        environment = {**os.environ, **launching.environment(1, processes)}
        return subprocess.Popen(command, stdout=log, stderr=log, env=environment, cwd=Path(__file__).parents[2])


def lines(folder: Folder) -> list[dict[str, Any]]:
    """What the journal says by now; a torn line counts as none."""
    if not folder.journal.exists():
        return []
    found = []
    for line in folder.journal.read_text().splitlines():
        try:
            found.append(json.loads(line))
        except ValueError:
            continue
    return found


def wait_for_step(folder: Folder, step: int, process: subprocess.Popen[bytes]) -> None:
    """Return when the journal has reached a step, or the trainer has ended."""
    while process.poll() is None and not any(
        line.get("step", 0) >= step for line in lines(folder) if line["kind"] == "step"
    ):
        time.sleep(0.01)


def numbers(folder: Folder) -> dict[tuple[str, int], set[Any]]:
    """Every loss that was ever journaled, by kind and step: a step done again must give the same."""
    found: dict[tuple[str, int], set[Any]] = {}
    for line in lines(folder):
        if line["kind"] in ("step", "eval"):
            found.setdefault((line["kind"], line["step"]), set()).add(line.get("train_loss", line.get("test_loss")))
        elif line["kind"] == "evaluation":
            found.setdefault(("evaluation", 0), set()).add(line["middle_loss"]["tuned"])
    return found


def copy_of(folder: Folder, path: Path) -> Folder:
    shutil.copytree(folder.path, path)
    return Folder(path)
