"""What the plan says a run needs beside the most that its trainer ever held, for every family and several sizes.

Each trains a few steps, is tested and evaluated, as the engine starts it; the ratio is estimate by measurement."""

import json
import os
import subprocess
import sys
import tempfile
import warnings
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

os.environ.setdefault("HF_HUB_OFFLINE", "1")
os.environ.setdefault("TRANSFORMERS_VERBOSITY", "error")
os.environ.setdefault("HF_HUB_DISABLE_PROGRESS_BARS", "1")

import msgspec
import torch

from backend.models import families
from backend.models.catalog import ModelInfo, as_json, read_folder, starter_folder
from backend.models.describe import Wanted, describe
from backend.train import fit
from backend.train.job import Folder
from backend.train.launch import environment
from tests.models.tiny_families import FAMILIES, Tiny
from tests.train.tiny_run import write_run

STEPS = 3
MIDDLING = {"hidden_size": 384, "num_hidden_layers": 8, "num_attention_heads": 6, "intermediate_size": 1024}
BIGCODE = {"n_embd": 384, "n_layer": 8, "n_head": 6, "n_inner": 1024}
LARGE = {
    "hidden_size": 768,
    "num_hidden_layers": 12,
    "num_attention_heads": 12,
    "num_key_value_heads": 4,
    "intermediate_size": 2048,
}
HALF_A_BILLION = {
    "hidden_size": 896,
    "num_hidden_layers": 24,
    "num_attention_heads": 14,
    "num_key_value_heads": 2,
    "intermediate_size": 4864,
}
SHORT = {"context": 512, "batch_size": 8, "micro_batch_size": 8}
LONG = {"context": 1024, "batch_size": 4, "micro_batch_size": 4}
FEW = {"context": 512, "batch_size": 2, "micro_batch_size": 2}
RECOMPUTED = {"low_gpu_memory_mode": True}


TRAINER = """
import runpy, sys
from backend.train import worth

worth.EVALUATED = 12
sys.argv[0] = "backend.train"
runpy.run_module("backend.train", run_name="__main__")
"""
"""The trainer, which evaluates fewer rows than else: as many at once, which is what takes the memory."""


@dataclass(frozen=True)
class Case:
    name: str
    info: ModelInfo
    settings: dict[str, Any] = field(default_factory=dict)


def grown(tiny: Tiny, folder: Path, vocabulary: int, **sizes: int) -> ModelInfo:
    """A family's model at a size that can be told from the runtime, with the tiny one's tokenizer."""
    from transformers import AutoConfig, AutoModelForCausalLM

    tiny.write(folder)
    path = folder / "config.json"
    config = {**json.loads(path.read_text()), **sizes, "vocab_size": vocabulary, "initializer_range": 0.02}
    for of_two_layers in ("layer_types", "head_dim"):
        config.pop(of_two_layers, None)
    for longest in ("max_position_embeddings", "n_positions"):
        if longest in config:
            config[longest] = 2048
    path.write_text(json.dumps(config))
    torch.manual_seed(1)
    model = AutoModelForCausalLM.from_config(AutoConfig.from_pretrained(folder)).to(torch.bfloat16)
    model.save_pretrained(folder)
    return described(tiny, folder)


def described(tiny: Tiny, folder: Path) -> ModelInfo:
    wanted = Wanted(name=tiny.name, path=str(folder), origin=tiny.name, trust_remote_code=bool(tiny.files))
    found = describe(wanted, families.Known(families.shipped()))
    return replace(found, architecture=json.loads((folder / "config.json").read_text())["architectures"][0])


def cases(folder: Path) -> Iterator[Case]:
    starter = read_folder("starter", starter_folder())
    yield Case("starter", starter, SHORT)
    yield Case("starter", starter, {**SHORT, **RECOMPUTED})
    yield Case("starter", starter, {**SHORT, "micro_batch_size": 32, "batch_size": 32})
    yield Case("starter", starter, {**SHORT, "precision": "fp32"})
    for tiny in FAMILIES:
        yield Case(f"{tiny.family}, tiny", described(tiny, tiny.write(folder / tiny.family)), {"context": 256})
    for tiny in FAMILIES:
        if not tiny.files:
            sizes = BIGCODE if "n_embd" in tiny.sizes else {**MIDDLING, "num_key_value_heads": 2}
            info = grown(tiny, folder / f"{tiny.family}-m", 32_000, **sizes)
            yield Case(tiny.family, info, SHORT)
            yield Case(tiny.family, info, {**LONG, **RECOMPUTED})
    qwen = next(one for one in FAMILIES if one.family == "qwen2.5-coder")
    large = grown(qwen, folder / "large", 32_000, **LARGE)
    yield Case("qwen2.5-coder", large, LONG)
    yield Case("qwen2.5-coder", large, {**FEW, "train_embeddings": True})
    yield Case("qwen2.5-coder", grown(qwen, folder / "half", 151_936, **HALF_A_BILLION), FEW)


def launched(folder: Folder) -> subprocess.Popen[bytes]:
    """A trainer in the environment in which the engine starts one."""
    command = [sys.executable, "-c", TRAINER, str(folder.path)]
    with folder.log.open("ab") as log:
        return subprocess.Popen(command, stdout=log, stderr=log, env={**os.environ, **environment(1, 1)})


def peak(case: Case, path: Path) -> int:
    """Bytes that the trainer held at most. Raises SystemExit with its last words where it fails."""
    folder = write_run(path, case.info.path, STEPS, **{"eval_places": 60, "lora_r": 16, **case.settings})
    job = msgspec.structs.replace(folder.read_job(), model=case.info.name, described=as_json(case.info), windows=24)
    folder.write_job(msgspec.structs.replace(job, threads=len(os.sched_getaffinity(0))))
    process = launched(folder)
    _, status, used = os.wait4(process.pid, 0)
    process.returncode = status
    if status:
        raise SystemExit(f"{case.name} failed: {folder.log.read_text()[-800:]} {folder.journal.read_text()[-800:]}")
    return used.ru_maxrss * 1024


def main() -> None:
    warnings.filterwarnings("ignore")
    ratios = []
    with tempfile.TemporaryDirectory(prefix="bench-memory-") as name:
        for number, case in enumerate(cases(Path(name))):
            held = peak(case, Path(name) / f"run-{number}")
            job = json.loads((Path(name) / f"run-{number}" / "job.json").read_text())
            planned = fit.memory(case.info, job["settings"])
            ratios.append(planned / held)
            size, told = f"{case.info.parameters / 1e6:.1f} M", " ".join(f"{k}={v}" for k, v in case.settings.items())
            print(
                f"{case.name:<24}{size:>9}  planned {planned / 1e6:7,.0f} MB  held {held / 1e6:7,.0f} MB"
                f"  {planned / held:5.2f}  {told}",
                flush=True,
            )
            if "--dump" in sys.argv:
                print(json.dumps([as_json(case.info), job["settings"], held]), file=sys.stderr, flush=True)
    worst = max(ratios, key=lambda ratio: abs(ratio - 1))
    close = sum(abs(ratio - 1) <= 0.15 for ratio in ratios)
    print(f"{close} of {len(ratios)} within 15 %; the farthest is {worst:.2f} (aim: 0.85 to 1.15, gate: 0.75 to 1.25)")


if __name__ == "__main__":
    main()
