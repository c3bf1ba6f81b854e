"""Another engine: found by its socket or named, greeted before anything is left, and never started from here."""

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path

import msgspec
import pytest
from textual.pilot import Pilot
from textual.widgets import Input

from backend import wire
from backend.paths import Paths
from refact_tui import engines
from refact_tui.client import EngineUnreachable
from refact_tui.frame import RefactApp
from refact_tui.widgets.listing import Listing
from tests.tui.pilots import press, screen_text, sees, until
from tests.tui.stub_engine import EMPTY, ENGINE, StubEngine, stub


@pytest.fixture
async def other(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[StubEngine]:
    """A second engine, in a home whose name has a blank in it."""
    async with stub(tmp_path_factory.mktemp("the other")).serve() as running:
        yield running


async def test_engines_that_listen_are_found(engine: StubEngine, other: StubEngine, tmp_path: Path) -> None:
    found = await asyncio.to_thread(engines.listening, engine.paths)
    assert other.paths in found and engine.paths not in found


def test_lines_of_the_kernel_are_read_as_they_are(tmp_path: Path) -> None:
    lines = "Num RefCount Protocol Flags Type St Inode Path\n" + "\n".join(
        [
            f"0000: 00000002 00000000 00010000 0001 01 17 {tmp_path}/engine.sock",  # of one that has gone
            "0000: 00000002 00000000 00010000 0001 01 18 @/abstract/engine.sock",
            "0000: 00000003 00000000 00000000 0001 03 19 /run/connected/engine.sock",
            "0000: 00000003 00000000 00000000 0001 03 20",
        ]
    )
    assert engines.listening(Paths(Path("/nowhere")), lines) == []


def test_a_home_or_its_socket_is_named(other: StubEngine, tmp_path: Path) -> None:
    home = other.paths.home
    assert engines.named(str(home)) == engines.named(str(other.paths.socket)) == other.paths
    for wrong in (str(tmp_path), str(tmp_path / "none"), "/dev/null"):
        with pytest.raises(EngineUnreachable, match="No engine listens in"):
            engines.named(wrong)


async def type_in(pilot: Pilot[str], path: Path) -> None:
    pilot.app.screen.query_one(Input).value = str(path)
    await press(pilot, "enter")


@pytest.mark.parametrize("how", ["typed", "found"])
async def test_the_screen_goes_to_the_other_engine(engine: StubEngine, other: StubEngine, how: str) -> None:
    engine.state = msgspec.structs.replace(EMPTY, fresh=True)
    app = RefactApp(engine.paths)
    async with app.run_test(size=(80, 24)) as pilot:
        await sees(pilot, "Another engine")
        await press(pilot, "G", "enter")
        await sees(pilot, "FOUND ON THIS BOX", str(other.paths.home)[-30:])
        if how == "typed":
            await type_in(pilot, other.paths.home / "nothing")
            await sees(pilot, "✗ No engine listens in")
            await type_in(pilot, other.paths.socket)
        else:
            await press(pilot, "tab")
            while str(other.paths.home) != app.screen.query_one("#attach-found", Listing).key:
                await press(pilot, "j")
            await press(pilot, "enter")
        await until(pilot, lambda: app.other is not None, "the way out")
    assert app.other == other.paths
    assert app.return_value is None


async def test_an_engine_of_another_version_is_not_gone_to(engine: StubEngine, other: StubEngine) -> None:
    engine.state = msgspec.structs.replace(EMPTY, fresh=True)
    newer = msgspec.structs.replace(ENGINE, api_version=wire.API_VERSION + 1)
    other.state = msgspec.structs.replace(EMPTY, engine=newer)
    app = RefactApp(engine.paths)
    async with app.run_test(size=(80, 24)) as pilot:
        await sees(pilot, "Another engine")
        await press(pilot, "G", "enter")
        await type_in(pilot, other.paths.home)
        await sees(pilot, "this program speaks API")
        await type_in(pilot, engine.paths.home)
        await sees(pilot, "That is the engine that is shown already.")
        await press(pilot, "escape")
        assert app.other is None and "Add your code" in screen_text(app)


async def test_an_engine_of_elsewhere_is_not_started_from_here(engine: StubEngine) -> None:
    app = RefactApp(engine.paths, own=False)
    assert "it is not started from here" in await app._revive()
