"""Rows of training data from real packages: what packing leaves empty, what it loses, and how fast against training.

Speeds are compared by the seconds of one core that each takes, since that is what they take from each other.
usage: bench_data.py [FOLDER ...]   (default: click, rich and textual of this environment)
"""

import hashlib
import sys
import sysconfig
import tempfile
import time
from pathlib import Path
from typing import Any

import torch

from backend.devices import fast_bf16
from backend.models import catalog
from backend.models.load import load_base
from backend.models.tokenizer import load_tokenizer
from backend.store.content import ContentStore
from backend.train import lora, syntax
from backend.train.batches import batch
from backend.train.dataset import Member, Rows, Texts
from backend.train.forward import nats
from backend.train.packing import Row
from backend.train.settings import defaults

STEPS, MICRO_BATCH = 3, 8
AIM = 20
"""Rows are made at least so many times faster than the starter is trained."""


def stored(folders: list[Path], path: Path) -> Texts:
    """Every Python file below the folders, as a run reads it."""
    store = ContentStore(path)
    members = []
    for file in sorted(file for folder in folders for file in folder.rglob("*.py")):
        data = file.read_bytes()
        sha256 = hashlib.sha256(data).hexdigest()
        store.put_many([(sha256, data)])
        members.append(Member(sha256, str(file), "train", "Python", len(data)))
    store.close()
    return Texts(path, members)


def training_rate(rows: list[Row], settings: dict[str, Any]) -> float:
    """Tokens a second of one core in a few training steps of the starter."""
    torch.set_num_threads(1)
    model = lora.adapted(load_base(catalog.starter(), torch.float32), settings)
    model.train()
    seconds, tokens = 0.0, 0
    for step in range(STEPS + 1):
        some = rows[step * MICRO_BATCH : (step + 1) * MICRO_BATCH]
        started = time.process_time()
        with torch.autocast("cpu", torch.bfloat16, enabled=fast_bf16()):
            loss = nats(model, batch(some, 0))
        loss.backward()
        if step:  # the first one is slow for reasons of its own
            seconds += time.process_time() - started
            tokens += sum(row.used for row in some)
    return tokens / seconds


def main() -> None:
    library = Path(sysconfig.get_paths()["purelib"])
    folders = [Path(name) for name in sys.argv[1:]] or [library / name for name in ("click", "rich", "textual")]
    info = catalog.starter()
    tokenizer = load_tokenizer(info)
    nodes = "tree-sitter" if syntax.installed() else "indentation"
    with tempfile.TemporaryDirectory(prefix="bench-") as place:
        texts = stored(folders, Path(place) / "content.db")
        characters = sum(len(texts.get(member)) for member in texts.members)
        print(f"{len(texts.members):,} files, {characters:,} characters, nodes by {nodes}")
        for context in (512, 2048):
            settings = {**defaults(), "context": context, "fim_nodes": nodes}
            maker = Rows(texts, info, tokenizer, settings)
            next(maker.epoch(0))
            began, spent = time.perf_counter(), time.process_time()
            rows = list(maker.epoch(0))
            seconds, cpu = time.perf_counter() - began, time.process_time() - spent
            used = sum(row.used for row in rows)
            seen = sum(len(tokenizer.decode(document.ids)) for row in rows for document in row.sequences)
            rate = training_rate(rows, settings)
            print(f"context {context}: {len(rows):,} rows, {used:,} tokens")
            print(f"  left empty {1 - used / (context * len(rows)):6.2%} (aim: less than 2 %)")
            print(f"  lost       {characters - seen:6,} characters (aim: 0)")
            print(f"  made at    {used / seconds:9,.0f} tokens/s")
            print(f"  one core   {used / cpu:9,.0f} tokens/s, and trains {rate:,.0f}")
            print(f"             rows are made {used / cpu / rate:.0f} times faster (aim: at least {AIM})")
        texts.close()


if __name__ == "__main__":
    main()
