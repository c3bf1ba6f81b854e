"""One real engine for all tests of its API, in a home of its own."""

import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.e2e.engine_box import Box, free_port


@pytest.fixture(scope="session")
def box() -> Iterator[Box]:
    """An engine whose home is short enough for a socket's path."""
    home = Path(tempfile.mkdtemp(prefix="rt-"))
    one = Box(home / "state", free_port())
    yield one
    one.close()
    shutil.rmtree(home, ignore_errors=True)
