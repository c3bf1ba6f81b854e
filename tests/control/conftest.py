"""One real engine for all tests of its API, in a home of its own."""

from collections.abc import Iterator

import pytest

from tests.e2e.engine_box import Box, fresh_box
from tests.scan.conftest import context

__all__ = ["box", "context"]


@pytest.fixture(scope="session")
def box() -> Iterator[Box]:
    with fresh_box() as one:
        yield one
