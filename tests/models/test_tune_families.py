"""Each family's tiny model is scored, trains, saves, and completes the same tokens in plain transformers and peft."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import msgspec
import pytest
import torch
from safetensors import safe_open
from torch.nn import functional

from backend.errors import BadRequest
from backend.jobs.journal import JournalWriter
from backend.models.catalog import ModelInfo, as_json
from backend.models.layout import infill_prompt, plain_document
from backend.models.load import load_base
from backend.models.tokenizer import load_tokenizer
from backend.scan import loss
from backend.scan.loss import Scorer
from backend.serve.caches import Cache
from backend.serve.decode import Llama, Piece
from backend.serve.llama import read_shape
from backend.serve.lora import merge
from backend.serve.weights import Weights, read_weights
from backend.train import lora, save
from backend.train.job import Folder
from backend.train.loop import Trainer
from tests.models.tiny_families import Tiny
from tests.models.tiny_tokenizers import corpus
from tests.train.tiny_run import lines, write_run

STEPS, TOKENS = 8, 10
SETTINGS = {"context": 256, "batch_size": 4, "lora_r": 4, "learning_rate": 1e-2, "eval_every": STEPS}
HOSTED = {"codellama", "deepseek-coder", "qwen2.5-coder", "granite-code", "codestral", "llama3"}
pytestmark = pytest.mark.filterwarnings("ignore::FutureWarning", "ignore::UserWarning")


@pytest.fixture(autouse=True)
def plain_numbers() -> Iterator[None]:
    """The trainer asks torch for things that other tests need not bear with."""
    yield
    torch.use_deterministic_algorithms(False)
    torch.set_num_threads(1)


def trained(info: ModelInfo, path: Path) -> Folder:
    """A run of a few steps on a dozen modules of the standard library."""
    folder = write_run(path, info.path, STEPS, **SETTINGS)
    folder.write_job(msgspec.structs.replace(folder.read_job(), model=info.name, described=as_json(info)))
    Trainer(folder, JournalWriter(folder.journal), lambda: False).run()
    return folder


def plain_peft(info: ModelInfo, checkpoint: Path) -> Any:
    """Base model and adapter as anybody would load them, without a line of ours."""
    from peft import PeftModel
    from transformers import AutoModelForCausalLM

    base = AutoModelForCausalLM.from_pretrained(
        info.path, dtype=torch.float32, trust_remote_code=info.remote_code, local_files_only=True
    )
    return PeftModel.from_pretrained(base, checkpoint).eval()


def greedy(model: Any, prompt: list[int]) -> list[int]:
    ids = list(prompt)
    for _ in range(TOKENS):
        ids.append(int(model(torch.tensor([ids])).logits[0, -1].argmax()))
    return ids[len(prompt) :]


def greedy_hosted(weights: Weights, model: Llama, prompt: list[int]) -> list[int]:
    cache, answer = Cache(model.shape, len(prompt) + TOKENS), list[int]()
    while len(answer) < TOKENS:
        answer.append(int(model.forward(weights, [Piece(cache, answer[-1:] or prompt)])[0].argmax()))
    return answer


def test_it_trains_and_completes_the_same_tokens_elsewhere(tiny: Tiny, info: ModelInfo, tmp_path: Path) -> None:
    folder = trained(info, tmp_path / "run")
    told = lines(folder)
    tested = {line["step"]: line["test_loss"] for line in told if line["kind"] == "eval"}
    assert tested[STEPS] < tested[0]
    assert any(line["kind"] == "evaluation" for line in told)
    checkpoint = folder.checkpoint(STEPS)
    with safe_open(checkpoint / "adapter_model.safetensors", "pt") as file:
        assert {name.split(".lora_")[0].rpartition(".")[2] for name in file.keys()} == tiny.linear  # noqa: SIM118
    ours = lora.adapted(load_base(info), folder.read_job().settings).eval()
    save.load_adapter(ours, checkpoint)
    theirs = plain_peft(info, checkpoint)
    tokenizer = load_tokenizer(info)
    text = corpus()[1][:400]
    prefix, suffix = tokenizer.encode_plain(tokenizer.begun(text[:150])), tokenizer.encode_plain(text[200:])
    for prompt in (
        infill_prompt(info, tokenizer.marks, prefix, suffix),
        plain_document(info, tokenizer.marks, prefix, False),
    ):
        with torch.inference_mode():
            rows = torch.tensor([prompt])
            torch.testing.assert_close(ours(rows).logits, theirs(rows).logits)
            with theirs.disable_adapter():
                assert not torch.allclose(ours(rows).logits, theirs(rows).logits, atol=1e-2)
            wanted = greedy(theirs, prompt)
            assert greedy(ours, prompt) == wanted
            if tiny.family in HOSTED:
                shape = read_shape(info.path)
                merged = merge(read_weights(info.path, shape), shape, checkpoint)
                assert greedy_hosted(merged, Llama(shape), prompt) == wanted


def test_what_cannot_be_hosted_says_so(tiny: Tiny, info: ModelInfo) -> None:
    if tiny.family in HOSTED:
        assert read_shape(info.path).layers == 2
        return
    with pytest.raises(BadRequest, match="cannot be hosted yet"):
        read_shape(info.path)


def test_its_loss_is_that_of_the_definition(info: ModelInfo, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(loss, "fast_bf16", lambda: False)
    from transformers import AutoModelForCausalLM

    model = AutoModelForCausalLM.from_pretrained(
        info.path, dtype=torch.float32, trust_remote_code=info.remote_code, local_files_only=True
    ).eval()
    tokenizer = load_tokenizer(info)
    texts = [corpus()[2][:900], "x = 1\n", ""]
    for text, found in zip(texts, Scorer(info, 128).score(texts), strict=True):
        ids = tokenizer.encode_plain(tokenizer.begun(text))
        assert found.tokens == len(ids)
        assert found.loss == (pytest.approx(by_hand(model, info, ids, 128), rel=1e-3) if ids else None)


def by_hand(model: Any, info: ModelInfo, ids: list[int], context: int) -> float:
    marks = load_tokenizer(info).marks
    first = [marks.bos] if info.bos else []
    before, stride, total = first or [marks.eot], context - 1 - len(first), 0.0
    for at in range(0, len(ids), stride):
        piece = ids[at : at + stride]
        row = torch.tensor([[*before, *piece]])
        with torch.inference_mode():
            logits = model(row[:, :-1], use_cache=False).logits[0, len(before) - 1 :]
        total += float(functional.cross_entropy(logits, torch.tensor(piece), reduction="sum"))
        before = [*first, piece[-1]]
    return total / len(ids)
