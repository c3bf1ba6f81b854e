"""What makes a run smaller or moves it elsewhere leaves its numbers, and what else it trains can be served."""

from pathlib import Path
from typing import Any

import pytest
import torch
from peft import PeftModel

from backend.models.load import load_base
from backend.serve.caches import Cache
from backend.serve.decode import Llama, Piece
from backend.serve.llama import read_shape
from backend.serve.lora import merge
from backend.serve.weights import read_weights
from backend.train.job import Folder
from tests.train.tiny_run import launch, lines, write_model, write_run

STEPS = 8
pytestmark = [pytest.mark.slow, pytest.mark.filterwarnings("ignore::FutureWarning")]


@pytest.fixture(scope="module")
def model(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_model(tmp_path_factory.mktemp("tiny") / "weights")


def trained(path: Path, model: Path, **settings: Any) -> Folder:
    folder = write_run(path, model, STEPS, **{"precision": "fp32", "eval_every": 4, **settings})
    assert launch(folder).wait(100) == 0, folder.log.read_text() + str(lines(folder)[-2:])
    return folder


def losses(folder: Folder) -> list[Any]:
    return [line.get("train_loss", line.get("test_loss")) for line in lines(folder) if line["kind"] in ("step", "eval")]


@pytest.fixture(scope="module")
def plain(model: Path, tmp_path_factory: pytest.TempPathFactory) -> list[float]:
    return losses(trained(tmp_path_factory.mktemp("runs") / "plain", model))


@pytest.mark.parametrize("setting", ["optimizer_offload", "low_gpu_memory_mode"])
def test_what_only_saves_memory_changes_no_number(
    setting: str, model: Path, plain: list[float], tmp_path: Path
) -> None:
    assert losses(trained(tmp_path / "run", model, **{setting: True})) == plain


@pytest.mark.soak
def test_an_offloaded_optimizer_resumes_with_the_same_numbers(model: Path, plain: list[float], tmp_path: Path) -> None:
    folder = write_run(tmp_path / "run", model, STEPS, precision="fp32", eval_every=4, optimizer_offload=True)
    process = launch(folder)
    while process.poll() is None and not folder.checkpoint(4).exists():
        pass
    process.terminate()
    assert process.wait(60) == 0
    assert launch(folder).wait(100) == 0, folder.log.read_text()
    assert set(losses(folder)) == set(plain)


@pytest.mark.soak
@pytest.mark.parametrize("quantisation", ["8bit", "4bit"])
def test_a_quantised_base_is_tuned_nearly_as_the_whole_one(
    quantisation: str, model: Path, plain: list[float], tmp_path: Path
) -> None:
    found = losses(trained(tmp_path / "run", model, quantisation=quantisation))
    assert found == pytest.approx(plain, rel=0.02) and found != plain


@pytest.mark.soak
def test_only_the_named_layers_get_adapters(model: Path, tmp_path: Path) -> None:
    from safetensors.torch import load_file

    folder = trained(tmp_path / "run", model, target_modules="q_proj,down_proj")
    names = load_file(folder.checkpoint(STEPS) / "adapter_model.safetensors")
    assert {name.split(".")[-3] for name in names} == {"q_proj", "down_proj"}


@pytest.mark.parametrize("tied", [False, pytest.param(True, marks=pytest.mark.soak)])
def test_trained_embeddings_are_served_as_peft_would(tied: bool, tmp_path: Path) -> None:
    model = write_model(tmp_path / "weights", tied)
    folder = trained(tmp_path / "run", model, train_embeddings=True)
    assert losses(folder)[-1] < losses(folder)[0]
    checkpoint = folder.checkpoint(STEPS)
    shape = read_shape(model)
    ids = list(range(5, 25))
    served = Llama(shape).forward(
        merge(read_weights(model, shape), shape, checkpoint), [Piece(Cache(shape, len(ids)), ids)]
    )[0]
    peft = PeftModel.from_pretrained(load_base(folder.read_job().info()), checkpoint)
    with torch.no_grad():
        wanted = peft(input_ids=torch.tensor([ids]), use_cache=False).logits[0, -1]
        base = load_base(folder.read_job().info())(input_ids=torch.tensor([ids]), use_cache=False).logits[0, -1]
    assert torch.allclose(served.float(), wanted, rtol=1e-3, atol=1e-3)
    assert not torch.allclose(base, wanted, rtol=1e-3, atol=1e-3)
