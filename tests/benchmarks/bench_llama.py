"""Our endpoint beside llama.cpp's server: same weights, one thread each, in float32 and in 8 bits, 1 and 8 at once.

For the starter and for a random model of half a billion parameters. `llama-server` is looked for on the path, or where
LLAMA_SERVER says; without it nothing is compared. BENCH_ROUNDS makes it smaller."""

import contextlib
import os
import shutil
import subprocess
import tempfile
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import torch
from safetensors.torch import load_file

from backend.models.catalog import starter_folder
from tests.benchmarks.bench_serving import CACHE, Level, Server, crowd, running
from tests.benchmarks.other_tools import interpreter
from tests.e2e.engine_box import Box, fresh_box

WRITER = ("gguf==0.19.0",)
PACKINGS = {"none": "F32", "8bit": "Q8_0"}
AT_ONCE = (1, 8)
ROUNDS = {"starter": 4, "half": 1}
"""Requests of each client."""
HALF = {
    "hidden_size": 1024,
    "num_hidden_layers": 24,
    "num_attention_heads": 16,
    "num_key_value_heads": 4,
    "intermediate_size": 4864,
}


def half(folder: Path) -> Path:
    """A random model of 0.45 billion parameters with the starter's tokenizer."""
    from transformers import LlamaConfig, LlamaForCausalLM

    base = LlamaConfig.from_pretrained(starter_folder())
    torch.manual_seed(1)
    model = LlamaForCausalLM(LlamaConfig(**{**base.to_dict(), **HALF, "head_dim": 64}))
    model.to(torch.bfloat16).save_pretrained(folder)
    shutil.copy(starter_folder() / "tokenizer.json", folder)
    return folder


def converted(folder: Path, out: Path, kind: str, python: Path) -> Path:
    """The model in `folder` as GGUF."""
    arrays = out.with_suffix(".npz")
    weights = {
        name: tensor.float().numpy()
        for path in folder.glob("*.safetensors")
        for name, tensor in load_file(path).items()
    }
    np.savez(arrays, **weights)
    script = Path(__file__).with_name("gguf_writer.py")
    subprocess.run([str(python), str(script), str(arrays), str(folder), str(out), kind], check=True)
    arrays.unlink()
    return out


def asked(port: int, model: str, name: str) -> dict[int, Level]:
    """What so many clients at a time got; a random model is asked for random answers."""
    rounds = int(os.environ.get("BENCH_ROUNDS", ROUNDS[name]))
    heat = 0.0 if name == "starter" else 1.0
    return {clients: crowd(port, model, clients, rounds, heat) for clients in AT_ONCE}


@contextlib.contextmanager
def ours(box: Box, name: str, folder: Path, packing: str) -> Iterator[tuple[int, str]]:
    """Our endpoint with the model hosted so; its port, and what it is called there."""
    if name != "starter":
        box.ok("models", "add", str(folder), "--name", name, "--family", "starter", "--wait", timeout=600)
    box.ok("serve", "host", name, "--quantisation", packing, "--wait", timeout=600)
    yield box.port, f"{name}:base"
    if name != "starter":
        box.ok("serve", "unhost", name)


def main() -> None:
    program = os.environ.get("LLAMA_SERVER") or shutil.which("llama-server")
    if not program:
        print("skipped: there is no llama-server on the path, and LLAMA_SERVER does not name one")
        return
    if not (python := interpreter(CACHE.with_name("gguf"), list(WRITER))):
        return
    with tempfile.TemporaryDirectory(prefix="rt-llama-") as place, fresh_box() as box:
        for name in ROUNDS:
            folder = starter_folder() if name == "starter" else half(Path(place) / name)
            for packing, kind in PACKINGS.items():
                file = converted(folder, Path(place) / f"{name}.gguf", kind, python)
                command = [program, "-m", str(file), "-t", "1", "-np", "8", "-c", str(8 * 2048), "--port", "PORT"]
                with running(Server("llama.cpp", command, name), Path(place)) as port:
                    theirs = asked(port, name, name)
                file.unlink()
                with ours(box, name, folder, packing) as (port, called):
                    mine = asked(port, called, name)
                for clients in AT_ONCE:
                    one, other = mine[clients], theirs[clients]
                    print(
                        f"{name:<8}{kind:<5}{clients} at once: {one.tokens_per_s:6.0f} and {other.tokens_per_s:6.0f} "
                        f"tok/s, {one.tokens_per_s / other.tokens_per_s:.2f} x (aim on the larger: 0.9); first text "
                        f"{one.first_ms:6.0f} and {other.first_ms:6.0f} ms, {one.first_ms / other.first_ms:.2f} x",
                        flush=True,
                    )


if __name__ == "__main__":
    main()
