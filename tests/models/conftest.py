"""A tiny model of each family, written once a session."""

import logging
from collections.abc import Iterator
from pathlib import Path

import pytest
import torch

from backend.models import families
from backend.models.catalog import ModelInfo
from backend.models.describe import Wanted, describe
from tests.models.tiny_families import FAMILIES, Tiny
from tests.scan.conftest import context

__all__ = ["context"]
torch.set_num_threads(1)


@pytest.fixture(scope="session")
def folders(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    """Where each family's tiny model lies."""
    logging.getLogger("transformers").setLevel(logging.ERROR)
    root = tmp_path_factory.mktemp("families")
    return {one.family: one.write(root / one.name) for one in FAMILIES}


@pytest.fixture(params=FAMILIES, ids=lambda one: one.family)
def tiny(request: pytest.FixtureRequest) -> Tiny:
    found: Tiny = request.param
    return found


@pytest.fixture
def info(tiny: Tiny, folders: dict[str, Path]) -> ModelInfo:
    """What is read of one family's model without torch."""
    return described(tiny, folders)


def described(tiny: Tiny, folders: dict[str, Path]) -> ModelInfo:
    trusted = bool(tiny.files)
    wanted = Wanted(name=tiny.name, path=str(folders[tiny.family]), origin=tiny.name, trust_remote_code=trusted)
    return describe(wanted, families.Known(families.shipped()))


@pytest.fixture(autouse=True)
def own_modules(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """Code that models bring is kept in a folder of the tests, not in the user's."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("transformers.dynamic_module_utils.HF_MODULES_CACHE", str(tmp_path_factory.getbasetemp() / "own"))
        yield
