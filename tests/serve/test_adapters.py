"""Checkpoints on copies of their own and beside the base: the same tokens, in bounded memory."""

from pathlib import Path

import pytest
import torch

from backend.errors import RefactError
from backend.models.catalog import ModelInfo
from backend.models.load import load_base
from backend.models.tokenizer import TextTokenizer
from backend.serve.adapters import BESIDE_BYTES, KEEP, OFTEN, Adapters
from backend.serve.llama import read_shape
from backend.serve.request import Adapter
from backend.serve.weights import read_weights
from tests.serve.bench import Bench, request
from tests.serve.serving_box import write_adapter

PROMPT = "def total(lines):\n    "


@pytest.fixture(scope="module")
def adapters(tiny: ModelInfo, tmp_path_factory: pytest.TempPathFactory) -> list[Adapter]:
    folder = tmp_path_factory.mktemp("adapters")
    return [
        Adapter(checkpoint=f"sign:{seed}", path=str(write_adapter(folder / str(seed), tiny, seed)))
        for seed in range(12)
    ]


@pytest.mark.filterwarnings("ignore:.*is_gradient_checkpointing.*:FutureWarning")
@pytest.mark.parametrize("rslora", [False, True])
def test_beside_the_base_equals_peft(tiny: ModelInfo, tokenizer: TextTokenizer, tmp_path: Path, rslora: bool) -> None:
    from peft import LoraConfig, PeftModel, get_peft_model

    torch.manual_seed(3)
    settings = LoraConfig(r=4, lora_alpha=16, target_modules="all-linear", use_rslora=rslora, init_lora_weights=False)
    get_peft_model(load_base(tiny), settings).save_pretrained(tmp_path)
    bench = Bench(tiny, tokenizer)
    bench.answer(request(PROMPT, 20), Adapter(checkpoint="peft:1", path=str(tmp_path)))
    row = bench.rows[0]
    assert row.chosen and row.chosen.change
    ids = list(row.prompt.ids)
    peft = PeftModel.from_pretrained(load_base(tiny), tmp_path)
    with torch.inference_mode():
        while len(ids) < len(row.prompt.ids) + row.tokens:
            ids.append(int(peft(torch.tensor([ids])).logits[0, -1].argmax()))
    assert row.answer == ids[len(row.prompt.ids) :]


def test_many_checkpoints_in_one_batch_answer_as_if_alone(
    tiny: ModelInfo, tokenizer: TextTokenizer, adapters: list[Adapter]
) -> None:
    together = Bench(tiny, tokenizer, rows=32)
    for place, adapter in enumerate(adapters[:3]):
        together.adapters.install(adapter, together.adapters.copy(adapter), ())
        together.add(100 + place, request(PROMPT, 20), adapter)
    for place, one in enumerate([None, *adapters[3:], None]):
        together.add(place, request(PROMPT, 20), one)
    found = together.drain()
    texts, base = set(), together.adapters.get(None)
    for id_, row in together.rows.items():
        alone = Bench(tiny, tokenizer).answer(request(PROMPT, 20), row.adapter)
        assert (found[id_][-1].text, found[id_][-1].checkpoint) == (alone.text, alone.checkpoint)
        assert row.chosen and (row.chosen.change is None) == (row.adapter in (None, *adapters[:3]))
        assert (row.chosen.weights is base.weights) == (row.adapter not in adapters[:3]), "one step for all of these"
        texts.add(alone.text)
    assert len(texts) == len(adapters) + 1, "the answers must tell the checkpoints apart"


def test_copies_are_few_and_never_taken_from_a_request(tiny: ModelInfo, adapters: list[Adapter]) -> None:
    shape = read_shape(tiny.path)
    shelf = Adapters(read_weights(tiny.path, shape), shape)
    for adapter in adapters[: KEEP + 1]:
        shelf.install(adapter, shelf.copy(adapter), ())
    copied = [adapter for adapter in adapters[: KEEP + 1] if shelf.get(adapter).change is None]
    assert copied == adapters[1 : KEEP + 1]
    busy = [shelf.get(adapter).name for adapter in copied]
    late = adapters[-1]
    for _ in range(OFTEN):
        assert not shelf.worth_a_copy(late, ())
        assert shelf.get(late).change
    assert not shelf.worth_a_copy(late, busy)
    shelf.install(late, shelf.copy(late), busy)
    assert shelf.get(late).change, "without room it runs beside the base"
    assert shelf.worth_a_copy(late, busy[1:])
    shelf.install(late, shelf.copy(late), busy[1:])
    assert shelf.get(late).change is None
    assert shelf.get(copied[0]).change


def test_a_checkpoint_made_again_under_the_same_name_is_another(
    tiny: ModelInfo, tokenizer: TextTokenizer, tmp_path: Path
) -> None:
    bench = Bench(tiny, tokenizer)
    again = Adapter(checkpoint="again:1", path=str(write_adapter(tmp_path / "again", tiny, 50)))
    bench.adapters.install(again, bench.adapters.copy(again), ())
    before = bench.answer(request(PROMPT, 20), again)
    write_adapter(tmp_path / "other", tiny, 51)
    for file in (tmp_path / "other").iterdir():
        file.rename(tmp_path / "again" / file.name)
    after = bench.answer(request(PROMPT, 20), again)
    assert after.text != before.text and after.cached_tokens == 0
    for file in (tmp_path / "again").iterdir():
        file.unlink()
    assert bench.answer(request(PROMPT, 20), again).text == after.text, "what was read stays of use"


def test_adapters_beside_the_base_take_bounded_memory(
    tiny: ModelInfo, adapters: list[Adapter], monkeypatch: pytest.MonkeyPatch
) -> None:
    shape = read_shape(tiny.path)
    shelf = Adapters(read_weights(tiny.path, shape), shape)
    chosen = shelf.get(adapters[0])
    assert chosen.change and 0 < chosen.change.bytes < BESIDE_BYTES
    monkeypatch.setattr("backend.serve.adapters.BESIDE_BYTES", 3 * chosen.change.bytes)
    for adapter in adapters:
        shelf.get(adapter)
        assert len(shelf._beside) <= 3


def test_what_is_no_adapter_fails_its_own_request_alone(
    tiny: ModelInfo, tokenizer: TextTokenizer, tmp_path: Path
) -> None:
    bench = Bench(tiny, tokenizer)
    bench.add(1, request(PROMPT), Adapter(checkpoint="gone:1", path=str(tmp_path / "gone")))
    bench.add(2, request(PROMPT))
    answers: dict[int, object] = {}
    while bench.batch.busy():
        answers |= dict(bench.batch.step())
    assert isinstance(answers[1], RefactError)
    assert not isinstance(answers[2], RefactError)
