"""Our trainer beside TRL's SFTTrainer and Transformers' Trainer with peft: same tokens, model, rank and precision.

Each runs in the environment that it ships with, then all run in ours. The others are installed into a folder of the
user's cache, so that their pins do not meet ours. Where there is a GPU, a model of 1.5 B parameters is trained there
too; that part was written, never run."""

import importlib.util
import json
import os
import statistics
import subprocess
import sys
import sysconfig
import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import Any

os.environ.setdefault("HF_HUB_OFFLINE", "1")
os.environ.setdefault("TRANSFORMERS_VERBOSITY", "error")

import torch

from backend.models.catalog import read_folder, starter_folder
from backend.models.tokenizer import load_tokenizer
from backend.train.launch import environment
from tests.benchmarks.other_tools import interpreter

PEERS = ("trl==1.16.0", "peft==0.21.2", "transformers==5.24.0", "accelerate==1.15.0", "psutil")
CACHE = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "refact-tui" / "other-trainers"
SCRIPTS = Path(__file__).parent / "trainers"
ROOT = Path(__file__).parents[2]
NAMES = {"ours": "refact-tui", "trl": "TRL SFTTrainer", "hf": "HF Trainer + peft"}
WARM = 2
"""Steps that do not count."""
TURNS = int(os.environ.get("BENCH_TURNS", "2"))
"""Each trainer's turns, taken one after the other: a busy neighbour meets all of them."""
ONLY = os.environ.get("BENCH_ONLY", "")
"""Only cases with this in their name."""
GPU_FLOPS = {"H200": 989e12, "H100": 989e12, "A100": 312e12, "L40": 181e12, "4090": 165e12, "3090": 71e12}
"""Peak of dense bf16 by the maker's data sheets."""


@dataclass(frozen=True)
class Case:
    name: str
    model: Path
    rows: int
    context: int
    batch: int
    micro: int
    learning_rate: float
    aim: float

    @property
    def steps(self) -> int:
        return self.rows // self.batch

    @property
    def tokens(self) -> int:
        return self.batch * self.context


def main() -> None:
    there = importlib.util.find_spec("trl") is not None
    wanted = [*PEERS, f"torch=={torch.__version__.partition('+')[0]}"]
    python = Path(sys.executable) if there else interpreter(CACHE, wanted)
    with tempfile.TemporaryDirectory(prefix="bench-training-") as name:
        folder = Path(name)
        for case in (one for one in cases(folder) if ONLY in one.name):
            compare(case, folder, python)


def cases(folder: Path) -> list[Case]:
    """The starter and a random model of 100 M parameters; on a GPU one of 1.5 B."""
    found = [
        Case("starter, 8 M parameters", starter_folder(), 16 * 12, 512, 16, 8, 2e-3, 1.3),
        Case(
            "random Qwen2, 100 M parameters",
            random_model(folder / "m100", 768, 12, 2048, 12, 4),
            4 * 8,
            512,
            4,
            2,
            1e-3,
            1.1,
        ),
    ]
    if torch.cuda.is_available():
        large = random_model(folder / "m1500", 1536, 28, 8960, 12, 2, vocabulary=151_936)
        found.append(Case("random Qwen2, 1.5 B parameters, on a GPU", large, 16 * 12, 2048, 16, 8, 2e-4, 1.1))
    return found


def random_model(
    folder: Path, hidden: int, layers: int, inner: int, heads: int, groups: int, vocabulary: int = 32_000
) -> Path:
    """A Qwen2 of that shape with the starter's tokenizer."""
    from transformers import Qwen2Config, Qwen2ForCausalLM

    torch.manual_seed(1)
    config = Qwen2Config(
        vocab_size=vocabulary,
        hidden_size=hidden,
        intermediate_size=inner,
        num_hidden_layers=layers,
        num_attention_heads=heads,
        num_key_value_heads=groups,
        max_position_embeddings=2048,
        tie_word_embeddings=True,
    )
    Qwen2ForCausalLM(config).to(torch.bfloat16).save_pretrained(folder)
    for name in ("tokenizer.json", "starter.json"):
        (folder / name).write_bytes((starter_folder() / name).read_bytes())
    return folder


def rows_of(case: Case, folder: Path) -> Path:
    """Windows of real code, each a whole row; one document a row, so that all attend to the same tokens."""
    tokenizer = load_tokenizer(read_folder("starter", starter_folder()))
    ids: list[int] = []
    for path in sorted(Path(sysconfig.get_paths()["stdlib"]).glob("*.py")):
        ids += tokenizer.encode_plain(path.read_text(errors="replace"))
        if len(ids) >= case.rows * case.context:
            break
    rows = [ids[start : start + case.context] for start in range(0, case.rows * case.context, case.context)]
    target = folder / "rows.json"
    target.write_text(json.dumps(rows))
    return target


def compare(case: Case, folder: Path, python: Path | None) -> None:
    """All trainers over the same rows, each in its own environment and then in ours."""
    threads = min(len(os.sched_getaffinity(0)), 16)
    spec = folder / "spec.json"
    chosen = {"model": str(case.model), "rows": str(rows_of(case, folder)), "context": case.context}
    chosen |= {"batch": case.batch, "micro": case.micro, "steps": case.steps, "rank": 16, "seed": 42}
    spec.write_text(json.dumps({**chosen, "learning_rate": case.learning_rate, "threads": threads}))
    print(f"{case.name}: LoRA rank 16, {case.steps} steps of {case.batch} x {case.context} tokens, bf16", flush=True)
    trainers = ["ours", "trl", "hf"] if python else ["ours"]
    own: dict[str, list[dict[str, Any]]] = {name: [] for name in trainers}
    apart = python != Path(sys.executable)
    shared: dict[str, list[dict[str, Any]]] = {name: [] for name in trainers[1:] if apart}
    settings = environment(threads, 1)
    for _ in range(TURNS):
        for name in trainers:
            own[name] += run(name, spec, folder, python, settings if name == "ours" else {})
            if name in shared:
                shared[name] += run(name, spec, folder, python, settings)
    ours = own["ours"]
    own, shared = ({name: turns for name, turns in found.items() if turns} for found in (own, shared))
    for name, turns in own.items():
        report(NAMES[name], case, turns, ours)
    if len(own) > 1:
        fastest = max(speed(case, turns) for name, turns in own.items() if name != "ours")
        least = min(peak(turns) for name, turns in own.items() if name != "ours")
        ratio, memory = speed(case, ours) / fastest, peak(ours) / least
        print(f"  {ratio:.2f} x the fastest of the others (aim: {case.aim}), {memory:.2f} x the least memory (aim: 1)")
        for name, turns in shared.items():
            report(f"{NAMES[name]}, in our environment", case, turns, ours)
    if torch.cuda.is_available():
        report_flops(case, ours)


def run(name: str, spec: Path, folder: Path, python: Path | None, settings: dict[str, str]) -> list[dict[str, Any]]:
    """One turn of one trainer, in a process of its own; none where it fails, and SystemExit if it is ours."""
    out = folder / "out.json"
    quiet = {"HF_HUB_OFFLINE": "1", "TRANSFORMERS_VERBOSITY": "error", "PYTHONWARNINGS": "ignore"}
    if name == "ours":
        command = [sys.executable, str(SCRIPTS / "ours.py")]
    else:
        command = [str(python), str(SCRIPTS / "peers.py"), name]
    done = subprocess.run(
        [*command, str(spec), str(out)],
        env={**os.environ, **quiet, **settings},
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )
    if done.returncode and name == "ours":
        raise SystemExit(f"{NAMES[name]} failed: {done.stderr[-2000:]}")
    if done.returncode:
        print(f"  {NAMES[name]} failed: {done.stderr[-300:]}")
        return []
    return [json.loads(out.read_text())]


def speed(case: Case, turns: list[dict[str, Any]]) -> float:
    """Tokens a second by the median step of all turns."""
    return float(case.tokens / statistics.median(second for turn in turns for second in turn["seconds"][WARM:]))


def peak(turns: list[dict[str, Any]]) -> float:
    """Bytes: of the GPU where one was used, else of the process."""
    return float(min(turn["gpu_peak_bytes" if torch.cuda.is_available() else "peak_bytes"] for turn in turns))


def report(name: str, case: Case, turns: list[dict[str, Any]], ours: list[dict[str, Any]]) -> None:
    apart = max(abs(one - other) for one, other in zip(turns[0]["losses"], ours[0]["losses"], strict=False))
    losses = f"loss {turns[0]['losses'][0]:.3f} to {turns[0]['losses'][case.steps - 1]:.3f}"
    print(
        f"  {name:<40} {speed(case, turns):8,.0f} tok/s  {peak(turns) / 1e6:8,.0f} MB  {losses}, "
        f"at most {apart:.3f} from ours",
        flush=True,
    )


def report_flops(case: Case, turns: list[dict[str, Any]]) -> None:
    """Model-FLOPs utilisation: forward, and backward to the inputs only, since the base is frozen."""
    device = torch.cuda.get_device_name()
    top = next((flops for name, flops in GPU_FLOPS.items() if name in device), None)
    if top:
        done = 4 * read_folder("bench", case.model).parameters * speed(case, turns)
        print(f"  model-FLOPs utilisation on {device}: {done / top:.0%} of {top / 1e12:.0f} TFLOP/s")


if __name__ == "__main__":
    main()
