"""One engine for the whole hostile set."""

import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.e2e.engine_box import free_port
from tests.sources.hostile.world import World


@pytest.fixture(scope="session")
def world() -> Iterator[World]:
    one = World(Path(tempfile.mkdtemp(prefix="rt-")), free_port())
    try:
        one.start()
        yield one
    finally:
        one.close()
