"""The Settings tab by keyboard alone at 80×24: golden screens, and changes on a real engine, kept or refused."""

import socket

import msgspec
import pytest
from textual.pilot import Pilot

from backend import settings, wire
from backend.context import Context
from backend.serve.endpoint import HOST, PORT, SETTINGS
from backend.serve.keys import DEMANDED
from refact_tui.frame import RefactApp
from tests.tui.golden import matches
from tests.tui.pilots import press, screen_text, sees, until
from tests.tui.samples import BUSY
from tests.tui.stub_engine import StubEngine

SIZES = [(80, 24), (120, 36)]
TOLD = [
    wire.ServeSetting(
        name=name,
        value="9000" if name == "port" else one.default,
        default=one.default,
        meaning=one.meaning,
        at_once=one.at_once,
        limits=one.limits,
        choices=list(one.choices),
        overruled="REFACT_TUI_HOST=10.0.0.7" if name == "host" else "",
    )
    for name, one in SETTINGS.items()
]
REFUSED = wire.ErrorAnswer(
    error=wire.ErrorBody(code="bad_request", message="port is 'http'; it must be a number from 1 to 65535.")
)
SCREENS: dict[str, tuple[list[str], list[str]]] = {
    "settings": ([], ["▌ host", "● port", "1 … 65535"]),
    "settings-refused": (["j", "enter", *"http", "enter"], ["✗ port is 'http'; it must be a number from 1 to 65535."]),
}


@pytest.fixture(autouse=True)
def same_box(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(socket, "gethostname", lambda: "gpu-box")
    for name in ("REFACT_TUI_HOST", "REFACT_TUI_PORT"):
        monkeypatch.delenv(name, raising=False)


async def opened(pilot: Pilot[str]) -> None:
    await sees(pilot, "● engine")
    await press(pilot, "6", "L", "right_square_bracket")
    await sees(pilot, "[Settings]", "▌ host")


@pytest.mark.parametrize("size", SIZES, ids=lambda size: f"{size[0]}x{size[1]}")
@pytest.mark.parametrize("name", SCREENS)
async def test_how_it_looks(
    engine: StubEngine, name: str, size: tuple[int, int], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("XDG_CONFIG_HOME", "/home/ann/.config")
    engine.state = msgspec.structs.replace(BUSY, settings=TOLD)
    engine.answers = {"GET /doctor": [], "POST /settings/port": REFUSED}
    app = RefactApp(engine.paths)
    async with app.run_test(size=size) as pilot:
        await opened(pilot)
        keys, words = SCREENS[name]
        await press(pilot, *keys)
        await sees(pilot, *words)
        await pilot.pause()
        matches(app, f"system-{name}-{size[0]}x{size[1]}")


async def test_a_value_is_kept_at_once_and_taken_back(real: Context) -> None:
    app = RefactApp(real.paths)
    async with app.run_test(size=(80, 24), notifications=True) as pilot:
        await opened(pilot)
        await press(pilot, "u")
        await sees(pilot, "Nothing has been changed here that could be")
        await press(pilot, "j", "enter", *"9010", "enter")
        await sees(pilot, "port is 9010. It takes effect with: refact-tui engine restart", "▌ port")
        assert await settings.get(real.db, PORT) == "9010"
        await press(pilot, "k")
        await sees(pilot, "● port")
        await press(pilot, *"Gkkk", "enter")
        await sees(pilot, "loopback_needs_key is yes.")
        assert await settings.get(real.db, DEMANDED) == "yes" and real.hosts.keys.demanded
        await press(pilot, "u")
        await sees(pilot, "Undone: loopback_needs_key is yes")
        await press(pilot, "u")
        await sees(pilot, "Undone: port is 9010")
        assert await settings.get(real.db, PORT) is None and not real.hosts.keys.demanded
        await until(pilot, lambda: "● port" not in screen_text(app), "the default again")


async def test_what_can_never_be_is_refused_where_it_is_typed(real: Context) -> None:
    app = RefactApp(real.paths)
    async with app.run_test(size=(80, 24), notifications=True) as pilot:
        await opened(pilot)
        for typed, said in (
            ("203.0.113.9", "✗ host is '203.0.113.9'; it must be an address of this box"),
            ("0.0.0.0", "✗ host 0.0.0.0 can be reached from other machines"),
        ):
            await press(pilot, "enter", *typed, "enter")
            await sees(pilot, said)
            await press(pilot, "escape")
            await until(pilot, lambda said=said: said not in screen_text(app), "the meaning again")  # type: ignore[misc]
        assert await settings.get(real.db, HOST) is None
        await press(pilot, "j", "enter", *"70000", "enter")
        await sees(pilot, "✗ port is '70000'; it must be a number from 1 to 65535.")
        await press(pilot, "tab")
        await until(pilot, lambda: "70000" not in screen_text(app), "what is kept")
        await press(pilot, "q")
    assert await settings.get(real.db, PORT) is None
    assert app.return_value is not None, "a key pressed after leaving the field is no text in it"


async def test_an_open_address_with_a_key_and_back_to_the_default(real: Context) -> None:
    await real.hosts.keys.create(wire.NewApiKey(name="ann"))
    app = RefactApp(real.paths)
    async with app.run_test(size=(80, 24), notifications=True) as pilot:
        await opened(pilot)
        await press(pilot, "enter", *"0.0.0.0", "enter")
        await sees(pilot, "host is 0.0.0.0.")
        assert await settings.get(real.db, HOST) == "0.0.0.0"
        await press(pilot, "enter", "ctrl+u", "enter")
        await sees(pilot, "host is 127.0.0.1.")
        assert await settings.get(real.db, HOST) is None


async def test_what_another_program_sets_is_shown(real: Context) -> None:
    app, other = RefactApp(real.paths), RefactApp(real.paths)
    async with app.run_test(size=(80, 24)) as pilot:
        await opened(pilot)
        async with other.run_test(size=(80, 24)) as acting:
            await opened(acting)
            await press(acting, "j", "enter", *"9011", "enter")
            await sees(acting, "9011")
        await sees(pilot, "● port", "9011")
