"""What needs a GPU: skipped where there is none."""

from pathlib import Path

import pytest
import torch

from tests.serve.conftest import tiny, tokenizer

__all__ = ["tiny", "tokenizer"]


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    if torch.cuda.is_available():
        return
    for item in items:
        if item.path.parent == Path(__file__).parent:
            item.add_marker(pytest.mark.skip(reason="there is no GPU"))
