"""A scripted engine on a socket of its own, and a user without settings."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from backend.context import Context
from tests.tui.real_engine import real_engine
from tests.tui.stub_engine import StubEngine, stub


@pytest.fixture(autouse=True)
def own_settings(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Nothing of the person who runs the tests is read or written, and the terminal is a good one."""
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path / "config"))
    monkeypatch.setenv("TERM", "xterm-256color")
    monkeypatch.setenv("LANG", "C.UTF-8")
    for name in ("SSH_CONNECTION", "NO_COLOR", "COLORTERM", "LC_ALL", "LC_CTYPE"):
        monkeypatch.delenv(name, raising=False)


@pytest.fixture
async def engine(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[StubEngine]:
    """Answers for as long as the test runs."""
    async with stub(tmp_path_factory.mktemp("home")).serve() as running:
        yield running


@pytest.fixture
async def real(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Context]:
    """The parts of an engine that answers for as long as the test runs."""
    async with real_engine(tmp_path_factory.mktemp("real")) as running:
        yield running
