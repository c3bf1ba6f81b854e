"""A tiny random model for what need not be the real starter, and a box that really serves the starter."""

from collections.abc import Iterator

import pytest
import torch

from backend.models import catalog
from backend.models.catalog import ModelInfo, read_folder
from backend.models.tokenizer import TextTokenizer, load_tokenizer
from tests.serve.serving_box import Box, Shelf, write_adapter
from tests.serve.tiny_model import write_model

torch.set_num_threads(1)  # a second thread only waits where cores are shared


@pytest.fixture(scope="session")
def tiny(tmp_path_factory: pytest.TempPathFactory) -> ModelInfo:
    folder = tmp_path_factory.mktemp("tiny")
    write_model(folder)
    return read_folder("tiny", folder)


@pytest.fixture(scope="session")
def tokenizer(tiny: ModelInfo) -> TextTokenizer:
    return load_tokenizer(tiny)


@pytest.fixture(scope="session")
def starter() -> ModelInfo:
    return catalog.starter()


@pytest.fixture(scope="module")  # not longer: its shelf stands in for the catalog that other rooms' tests read
def box(tmp_path_factory: pytest.TempPathFactory, starter: ModelInfo) -> Iterator[Box]:
    """A box with three checkpoints on its shelf: sign:1 (best), sign:2 and sign:3."""
    folder = tmp_path_factory.mktemp("box")
    shelf = Shelf()
    with pytest.MonkeyPatch.context() as patch:
        shelf.install(patch)
        box = Box(folder / "home", shelf)
        for number in (1, 2, 3):
            shelf.put("sign", number, write_adapter(folder / str(number), starter, number), best=number == 1)
        yield box
        box.close()
