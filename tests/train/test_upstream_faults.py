"""Faults that the system we re-imagine is known to have, each with a test that ours has it not."""

import hashlib
import os
import subprocess
import sys
from collections import Counter
from collections.abc import AsyncIterator
from dataclasses import replace
from itertools import pairwise
from pathlib import Path
from random import Random
from types import SimpleNamespace
from typing import Any

import pytest

from backend import wire
from backend.checkpoints import catalog as checkpoints
from backend.errors import BadRequest
from backend.models.catalog import ModelInfo, as_json
from backend.models.tokenizer import TextTokenizer
from backend.scan.results import AcceptedFile
from backend.serve.prompt import lay_out
from backend.serve.request import CompletionRequest
from backend.store.database import Database
from backend.train.dataset import Rows, held_out_rows
from backend.train.documents import Documents, File
from backend.train.fim import split
from backend.train.packing import Document, pack
from backend.train.settings import merged
from tests.train.content_shelf import parts_of, text_of, texts_of
from tests.train.test_train_plan import planned

LAYOUTS = ("psm", "spm", "spm_contiguous")
MOST_EPOCHS = 10
"""Upstream: sixty."""
CODE = "def add(first, second):\n    total = first + second\n    return total\n"


def values(**other: Any) -> dict[str, Any]:
    return {"context": 128, "fim_rate": 0.5, "context_weight": 1.0, "seed": 5, **other}


# Training in an order in which no client asks.


@pytest.mark.parametrize("layout", LAYOUTS)
def test_every_document_has_the_order_in_which_the_model_is_served(
    layout: Any, starter: ModelInfo, tokenizer: TextTokenizer
) -> None:
    info = replace(starter, fim_layout=layout)
    for seed in range(200):
        (document,) = Documents(info, tokenizer, values(fim_rate=1.0)).of([File(CODE, "Python")], Random(seed))
        random = Random(seed)
        random.random()
        parts = split(CODE, random)
        assert parts is not None
        served = lay_out(info, tokenizer, CompletionRequest(prompt=parts.prefix, suffix=parts.suffix, max_tokens=1))
        if not parts.suffix:
            continue
        assert document.ids == [*served.ids, *tokenizer.encode_plain(parts.middle), tokenizer.marks.eot]


# Items lost, dropped or cut short by packing.


def test_packing_loses_no_item_however_many_there_are() -> None:
    random = Random(1)
    documents = [Document([number] * random.randint(1, 100), []) for number in range(5000)]
    packed = Counter(document.ids[0] for row in pack(documents, 128) for document in row.sequences)
    assert packed == Counter(range(5000))


def test_no_file_is_too_small_and_none_is_cut_short(
    starter: ModelInfo, tokenizer: TextTokenizer, tmp_path: Path
) -> None:
    files = [f"x{number}" for number in range(300)] + [f"line {number}\n" * 400 for number in range(8)]
    with texts_of(tmp_path, files) as texts:
        rows = list(Rows(texts, starter, tokenizer, values()).epoch(0))
    made = [document for row in rows for document in row.sequences]
    seen = Counter("".join(text_of(starter, tokenizer, document) for document in made))
    assert seen == Counter("".join(files))
    assert all(document.ids[-1] == tokenizer.marks.eot for document in made if parts_of(starter, tokenizer, document))


# A misspelt option that nobody notices; scoring on another text than training.


def test_an_option_that_is_none_is_refused() -> None:
    with pytest.raises(BadRequest, match="no setting called 'fim_drop_residual'"):
        merged({"fim_drop_residual": 1})


def test_scoring_training_and_serving_read_the_same_tokens(
    starter: ModelInfo, tokenizer: TextTokenizer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    import torch

    from backend.models.load import load_base
    from backend.scan import loss, score
    from backend.scan.text import decode
    from backend.train import forward
    from backend.train.batches import batch
    from backend.train.packing import Row

    monkeypatch.setattr(loss, "fast_bf16", lambda: False)
    bytes_of_file = b"\xef\xbb\xbf" + CODE.replace("\n", "\r\n").encode() + b"# <fim_prefix>\t<|endoftext|>\r\n"
    sha256 = hashlib.sha256(bytes_of_file).hexdigest()
    with texts_of(tmp_path, [bytes_of_file]) as texts:
        (row,) = Rows(texts, starter, tokenizer, values(fim_rate=0.0)).epoch(0)
        (tested,) = held_out_rows(texts, starter, tokenizer, 128, 1, seed=1)
        found: list[dict[str, Any]] = []
        (tmp_path / "items").write_text(f'[["{sha256}", {len(bytes_of_file)}]]')
        score.score(as_json(starter), 512, tmp_path / "items", next(tmp_path.glob("*.db")), found.append)
    trained = row.sequences[0].ids
    assert trained[-1] == tokenizer.marks.eot
    assert tested.sequences[0].ids == trained[:-1]
    asked = lay_out(starter, tokenizer, CompletionRequest(prompt=bytes_of_file.decode(), max_tokens=1))
    assert asked.ids == trained[:-1]
    assert tokenizer.decode(asked.ids) == decode(bytes_of_file)
    # The score is that of exactly these tokens behind the end of a text before.
    scored = next(record for record in found if record["kind"] == "losses")["rows"][0]
    behind = Document([tokenizer.marks.eot, *trained[:-1]], [0.0] + [1.0] * (len(trained) - 1))
    with torch.no_grad():
        nats = float(forward.nats(load_base(starter), batch([Row(512, [behind])], 0)))
    assert scored[2] == len(trained) - 1
    assert scored[1] * scored[2] == pytest.approx(nats, rel=1e-4)


# Sixty epochs of a small set; the batch that was asked for does not change the number of steps.


def accepted(train: int, test: int, size: int = 20_000) -> list[AcceptedFile]:
    return [
        AcceptedFile(
            f"{number:064x}", f"{number}.py", "acme", "Python", "train" if number < train else "test", 2.0, size
        )
        for number in range(train + test)
    ]


@pytest.fixture
def box(monkeypatch: pytest.MonkeyPatch, small_model: ModelInfo) -> Any:
    """A context whose accepted files are set by the test."""
    one = SimpleNamespace(files=[], db=None, hosts=None)

    async def files(ctx: Any) -> list[AcceptedFile]:
        return list(one.files)

    async def nothing(*_: Any) -> None:
        return None

    monkeypatch.setattr("backend.train.plan.results.accepted", files)
    monkeypatch.setattr("backend.train.plan.settings.get", nothing)
    monkeypatch.setattr("backend.train.plan.scan_run.current", nothing)
    monkeypatch.setattr("backend.train.plan.catalog.get", lambda ctx, name: small_model)
    monkeypatch.setattr("backend.train.plan.devices.gpus", lambda: [])
    return one


@pytest.mark.parametrize("size", [800, 2_000, 20_000, 400_000])
@pytest.mark.parametrize("context", [128, 512, 2048])
@pytest.mark.parametrize("minutes", [None, 1, 600])
async def test_a_small_set_is_not_read_again_and_again(
    box: Any, size: int, context: int, minutes: float | None
) -> None:
    box.files = accepted(12, 60, size)
    made = await planned(box, wire.StartRun(minutes=minutes, settings={"context": context}))
    one_step = made.epochs / made.steps
    most = MOST_EPOCHS if minutes or size < 20_000 else MOST_EPOCHS / 2
    assert 0 < made.epochs <= most + one_step + 0.01
    assert one_step <= MOST_EPOCHS / 5


async def test_even_a_batch_larger_than_the_set_is_bounded(box: Any) -> None:
    box.files = accepted(12, 60, 4_000)
    made = await planned(box, wire.StartRun(minutes=600, settings={"batch_size": 32}))
    assert made.batch_size == 32 and made.epochs <= MOST_EPOCHS + 1


async def test_the_number_of_steps_follows_the_batch_that_was_asked_for(box: Any) -> None:
    box.files = accepted(100, 20)
    steps = []
    for size in (4, 8, 16, 32):
        made = await planned(box, wire.StartRun(settings={"batch_size": size}))
        assert made.batch_size == size
        steps.append(made.steps)
    for more, less in pairwise(steps):
        assert more == pytest.approx(2 * less, abs=2)


# "Find best" that finds the newest.


@pytest.fixture
async def ctx(tmp_path: Path) -> AsyncIterator[Any]:
    database = await Database.open(tmp_path / "state.db")
    yield SimpleNamespace(db=database, project=1)
    await database.close()


async def test_the_latest_best_is_the_best_checkpoint_and_not_the_newest(ctx: Any) -> None:
    runs = (
        ("first", "done", {10: 1.4, 20: 1.2, 30: 1.6}, "2026-01-01"),
        ("second", "done", {10: 1.9, 20: 1.5, 30: 1.7, 40: 1.8}, "2026-01-02"),
        ("going", "running", {10: 1.0}, None),
    )
    for name, state, losses, ended in runs:
        best = min(losses, key=lambda step: losses[step])
        await ctx.db.execute(
            "INSERT INTO runs(project_id, name, model, state, settings, plan, base_loss, best_loss, best_step, wanted, "
            "created, ended) VALUES (1, ?, 'starter', ?, '{}', '{}', 2.0, ?, ?, 'stopped', '2026', ?)",
            (name, state, losses[best], best, ended),
        )
        row = await ctx.db.fetch_one("SELECT id FROM runs WHERE name = ?", (name,))
        for step, loss in losses.items():
            await ctx.db.execute(
                "INSERT INTO checkpoints(run_id, step, model, test_loss, size, path, made) "
                "VALUES (?, ?, 'starter', ?, 9, '/nowhere', ?)",
                (row["id"], step, loss, f"2026-01-0{step // 10}"),
            )
    found = await checkpoints.latest_best(ctx, "starter")
    assert found is not None and found.id == "second:20"


# No test file: a division by zero. Nearly all rejected: an empty training set.


async def test_no_test_file_is_refused_in_words(box: Any, tmp_path: Path) -> None:
    box.files = accepted(40, 0)
    with pytest.raises(BadRequest, match="held-out files have about 0 tokens; at least 8000 are needed"):
        await planned(box, wire.StartRun())


def test_no_test_file_is_no_division_by_zero(starter: ModelInfo, tokenizer: TextTokenizer, tmp_path: Path) -> None:
    import torch

    from backend.train.evaluate import nats_and_tokens

    with texts_of(tmp_path, ["", b"\x81"]) as texts:
        rows = held_out_rows(texts, starter, tokenizer, 128, 24, seed=1)
    assert rows == []
    assert nats_and_tokens(torch.nn.Linear(1, 1), rows, 0, torch.device("cpu"), lambda: None) == (0.0, 0.0)


async def test_a_set_of_which_nearly_all_was_rejected_is_refused_in_words(box: Any) -> None:
    box.files = accepted(0, 12)
    with pytest.raises(BadRequest, match="none is left to train on"):
        await planned(box, wire.StartRun())
    box.files = [*accepted(0, 12), *accepted(2, 0, size=30)]
    with pytest.raises(BadRequest, match="training files have about 18 tokens; at least 2000 are needed"):
        await planned(box, wire.StartRun())


# Steps and rows that depend on how many cores the machine has.


async def test_the_plan_does_not_depend_on_the_number_of_cores(box: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    box.files = accepted(100, 20)
    made = []
    for cores in (1, 2, 64):
        monkeypatch.setattr(os, "cpu_count", lambda cores=cores: cores)
        monkeypatch.setattr(os, "sched_getaffinity", lambda _, cores=cores: set(range(cores)))
        found = await planned(box, wire.StartRun())
        made.append((found.steps, found.batch_size, found.epochs, found.tokens_per_epoch, found.settings))
    assert made[0] == made[1] == made[2]


ROWS = """
import hashlib, os, sys
from pathlib import Path
if sys.argv[2] == "1":
    os.sched_setaffinity(0, {min(os.sched_getaffinity(0))})
from backend.models import catalog
from backend.models.tokenizer import load_tokenizer
from backend.train.dataset import Member, Rows, Texts
info = catalog.starter()
members = [Member(name, name, "train", "Python") for name in sys.argv[3:]]
settings = {"context": 128, "fim_rate": 0.5, "context_weight": 1.0, "seed": 5}
rows = list(Rows(Texts(Path(sys.argv[1]), members), info, load_tokenizer(info), settings).epoch(0))
print(len(rows), hashlib.sha256(repr(rows).encode()).hexdigest())
"""


def test_the_rows_do_not_depend_on_the_number_of_cores(tmp_path: Path) -> None:
    files = [f"def f{number}(x):\n    return x + {number}\n" * (1 + number % 20) for number in range(60)]
    with texts_of(tmp_path, files) as texts:
        names = [member.sha256 for member in texts.members]
    store = next(tmp_path.glob("*.db"))
    told = []
    for cores in ("1", "all"):
        environment = {**os.environ, "RAYON_NUM_THREADS": "1" if cores == "1" else "4"}
        command = [sys.executable, "-c", ROWS, str(store), cores, *names]
        done = subprocess.run(
            command, env=environment, cwd=Path(__file__).parents[2], capture_output=True, text=True, check=True
        )
        told.append(done.stdout)
    assert told[0] == told[1] and int(told[0].split()[0]) > 10
