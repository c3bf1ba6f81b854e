"""Our trainer over given rows, as the engine starts it: `python ours.py SPEC OUT`."""

import json
import resource
import sys
import tempfile
from itertools import pairwise
from pathlib import Path
from typing import Any

from backend.jobs.journal import JournalWriter
from backend.models.catalog import read_folder
from backend.models.tokenizer import load_tokenizer
from backend.store.content import ContentStore
from backend.train import loop, opening
from backend.train.dataset import Texts, write_manifest
from backend.train.job import Folder, Job
from backend.train.packing import Document, Row
from backend.train.settings import merged


class Given:
    """Rows that were made before, in place of those of a run's files."""

    def __init__(self, rows: list[Row]) -> None:
        self._rows = rows

    def stream(self, epoch: int = 0, index: int = 0) -> Any:
        while True:
            yield from ((0, number, row) for number, row in enumerate(self._rows))


class Timed(loop.Trainer):
    """The trainer without its evaluation, which the others have none of."""

    def _evaluate(self) -> None:
        """Nothing."""


def main(spec: dict[str, Any], out: Path) -> None:
    path = Path(tempfile.mkdtemp(prefix="bench-run-", dir=out.parent))
    folder, info = Folder(path), read_folder("bench", Path(spec["model"]))
    write_manifest(folder.manifest, [])
    ContentStore(path / "content.db").close()
    chosen = {
        "learning_rate": spec["learning_rate"],
        "batch_size": spec["batch"],
        "micro_batch_size": spec["micro"],
        "context": spec["context"],
        "lora_r": spec["rank"],
        "lora_alpha": 2 * spec["rank"],
        "warmup_num_steps": 0,
        "lr_decay_steps": 50_000,
        "weight_decay": 0.1,
        "eval_every": 50_000,
        "seed": spec["seed"],
    }
    folder.write_job(
        Job(
            run=path.name,
            model="bench",
            model_path=spec["model"],
            content=str(path / "content.db"),
            settings=merged(chosen),
            steps=spec["steps"],
            exact=True,
            threads=spec["threads"],
        )
    )
    rows = [
        Row(len(ids), [Document(ids, [0.0] + [1.0] * (len(ids) - 1))])
        for ids in json.loads(Path(spec["rows"]).read_text())
    ]
    tokenizer = load_tokenizer(info)
    given = opening.Data(tokenizer, Given(rows), Texts(path / "content.db", []), rows[:1])  # type: ignore[arg-type]
    loop.opening.open_data = lambda *_: given  # type: ignore[attr-defined]
    Timed(folder, JournalWriter(folder.journal), lambda: False).run()
    told = [json.loads(line) for line in folder.journal.read_text().splitlines()]
    steps = [line for line in told if line["kind"] == "step"]
    elapsed = [0.0, *(line["elapsed_s"] for line in steps)]
    result = {
        "losses": [line["train_loss"] for line in steps],
        "seconds": [after - before for before, after in pairwise(elapsed)],
        "peak_bytes": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024,
        "gpu_peak_bytes": max(line["memory_bytes"] for line in steps),
    }
    out.write_text(json.dumps(result))


if __name__ == "__main__":
    main(json.loads(Path(sys.argv[1]).read_text()), Path(sys.argv[2]))
