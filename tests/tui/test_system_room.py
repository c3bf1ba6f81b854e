"""The System room tab by tab: what it shows at both sizes against golden screens, and keys that know their tab."""

import socket
from typing import Any

import msgspec
import pytest

from backend import wire
from refact_tui import keys
from refact_tui.doctor_terminal import terminal_findings
from refact_tui.frame import RefactApp
from refact_tui.rooms import system_doctor
from refact_tui.rooms.system import PANES
from tests.tui.golden import matches
from tests.tui.pilots import press, screen_text, sees, until
from tests.tui.samples import BUSY, JOB, TRAINING
from tests.tui.stub_engine import EMPTY, StubEngine

SIZES = [(80, 24), (120, 36)]
FAILED = wire.Job(
    id=3,
    kind="source",
    name="old-shop",
    state="failed",
    message="git refused the address.",
    hint="Check it.",
)
FINDINGS = [
    wire.Finding(check="python", ok=True, finding="Python 3.11.7, 2 cores."),
    wire.Finding(check="git", ok=False, finding="git is not installed.", remedy="Install git to add repositories."),
    wire.Finding(check="gpu", ok=None, finding="No NVIDIA GPU; training and serving use the CPU."),
]
LOG = [
    wire.LogLine(at=f"2026-11-24T09:00:{number:02}.000Z", level=level, text=text)
    for number, (level, text) in enumerate(
        [("info", "engine 0.1.0 serves /run/engine.sock"), ("warning", "the worker died \x1b[2J and was started again")]
    )
]
ANSWERS: dict[str, Any] = {"GET /doctor": FINDINGS, "GET /log": LOG}
STATE = msgspec.structs.replace(BUSY, jobs=[FAILED, JOB, TRAINING])
EMPTY_TABS = {
    "no-credentials": (["right_square_bracket"], "No keys or tokens yet"),
    "no-log": (["L"], "Nothing is logged yet"),
}
SCREENS: dict[str, tuple[list[str], str]] = {
    "doctor": (["j"], "Install git"),
    "credentials": (["right_square_bracket"], "used by billing-api, payments, old-shop"),
    "token": (["right_square_bracket", "j"], "a token for https addresses"),
    "half-a-key": (["right_square_bracket", "G"], "is gone from the disk"),
    "hosts": (["right_square_bracket", "tab"], "Compare it with what"),
    "public-key": (["right_square_bracket", "enter"], "Give this line"),
    "new-token": (["right_square_bracket", "n", "c", "i", "ctrl+t", "tab", "s", "e", "c"], "•••"),
    "forget-host": (["right_square_bracket", "tab", "d"], "Forget the key of github.com?"),
    "delete-token": (["right_square_bracket", "j", "d"], "Delete ci"),
    "log": (["L"], "the worker died"),
}


@pytest.fixture(autouse=True)
def same_box(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(socket, "gethostname", lambda: "gpu-box")
    monkeypatch.setattr(system_doctor, "terminal_findings", list)


@pytest.mark.parametrize("size", SIZES, ids=lambda size: f"{size[0]}x{size[1]}")
@pytest.mark.parametrize("name", [*SCREENS, *EMPTY_TABS])
async def test_each_tab(engine: StubEngine, name: str, size: tuple[int, int]) -> None:
    empty = name in EMPTY_TABS
    engine.state = EMPTY if empty else STATE
    engine.answers = {**ANSWERS, "GET /log": []} if empty else dict(ANSWERS)
    wanted, words = (EMPTY_TABS if empty else SCREENS)[name]
    app = RefactApp(engine.paths)
    async with app.run_test(size=size) as pilot:
        await sees(pilot, "● engine")
        await press(pilot, "6")
        await sees(pilot, "Python 3.11.7")
        await press(pilot, *wanted)
        await sees(pilot, words)
        await pilot.pause()
        matches(app, f"system-{name}-{size[0]}x{size[1]}")


async def test_the_doctor_looks_at_the_terminal_too(engine: StubEngine, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(system_doctor, "terminal_findings", terminal_findings)
    for name in ("COLORTERM", "NO_COLOR", "TMUX", "STY"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("TERM", "xterm")
    engine.state, engine.answers = STATE, dict(ANSWERS)
    app = RefactApp(engine.paths)
    async with app.run_test(size=(120, 36)) as pilot:
        await sees(pilot, "● engine")
        await press(pilot, "6")
        await sees(pilot, "Python 3.11.7", "terminal", "16: themes", "OSC 52", "locale")
        await press(pilot, *"jjjj")
        await sees(pilot, "→ Where it can do more, say so: export TERM=xterm-256color")


async def test_the_footer_and_the_help_follow_the_tab(engine: StubEngine) -> None:
    engine.state, engine.answers = STATE, dict(ANSWERS)
    app = RefactApp(engine.paths)
    async with app.run_test(size=(80, 40), notifications=True) as pilot:
        await sees(pilot, "● engine")
        await press(pilot, "6")
        await sees(pilot, "R look again  y copy  u undo  [ ] tabs")
        assert "n new" not in screen_text(app)
        await press(pilot, "x")
        await sees(pilot, "x stop is for Jobs, and this is Doctor; [ ] change the tab.")
        await press(pilot, "t")
        await sees(pilot, "t changes the set of a source", "Here: R look again, y copy, u undo, [ ] tabs.")
        await press(pilot, "right_square_bracket")
        await sees(pilot, "n new  enter show  y copy  d delete  u undo")
        await press(pilot, "question_mark")
        await sees(pilot, "│ Doctor  ", "Make an SSH key, or keep a token", "Stop the job; a run saves first")


async def test_the_palette_opens_tabs_and_what_is_in_them(engine: StubEngine) -> None:
    engine.state, engine.answers = STATE, dict(ANSWERS)
    app = RefactApp(engine.paths)
    async with app.run_test(size=(80, 24)) as pilot:
        await sees(pilot, "● engine")
        await press(pilot, "colon")
        await until(pilot, lambda: type(app.screen).__name__ == "CommandPalette", "the palette")
        await pilot.press(*"credentials")
        await sees(pilot, "Open Credentials in System")
        await press(pilot, "enter")
        await sees(pilot, "▌6 System", "[Credentials]")
        await press(pilot, "right_square_bracket")
        await sees(pilot, "[Jobs]")
        await press(pilot, "colon")
        await until(pilot, lambda: type(app.screen).__name__ == "CommandPalette", "the palette")
        await pilot.press(*"new")
        await sees(pilot, "Make an SSH key, or keep a token")
        await press(pilot, "enter")
        await sees(pilot, "[Credentials]", "New key or token")


async def test_jobs_are_stopped_by_key(engine: StubEngine) -> None:
    engine.state = STATE
    stopped = msgspec.structs.replace(JOB, state="stopped")
    engine.answers = {**ANSWERS, "POST /jobs/7/stop": stopped, "POST /jobs/8/stop": TRAINING}
    app = RefactApp(engine.paths)
    async with app.run_test(size=(80, 24), notifications=True) as pilot:
        await sees(pilot, "● engine")
        await press(pilot, "6", "right_square_bracket", "right_square_bracket")
        await sees(pilot, "▌train billing-3", "read payments", "✗ failed")
        await press(pilot, "x")
        await sees(pilot, "Stop train billing-3? It saves first")
        await press(pilot, "enter")
        assert not engine.asked_for("POST /jobs/8/stop")
        await press(pilot, "x", "y")
        await until(pilot, lambda: len(engine.asked_for("POST /jobs/8/stop")) == 1, "the stop of the run")
        await press(pilot, "j", "x")
        await until(pilot, lambda: len(engine.asked_for("POST /jobs/7/stop")) == 1, "the stop")
        await press(pilot, "j", "x")
        await sees(pilot, "git refused the address. Check it.", "read old-shop is failed: there is nothing to stop.")


async def test_hostile_names_stay_on_their_line(engine: StubEngine) -> None:
    name = "[red]x[/]\x1b[2J\n\u202e漢"
    engine.state = msgspec.structs.replace(
        EMPTY,
        credentials=[wire.Credential(name=name, kind="ssh-key", public_key=name, fingerprint=name, used_by=[name])],
        pinned=[wire.PinnedHost(host=name, fingerprints=[name], used_by=[name])],
    )
    thrown = wire.Trashed(id="1-x", kind="run", name=name, project=name, thrown="", gone=name, size=5)
    engine.answers = {**ANSWERS, "GET /trash": [thrown]}
    app = RefactApp(engine.paths)
    async with app.run_test(size=(80, 24)) as pilot:
        await sees(pilot, "● engine")
        trash = ["escape", "L", "right_square_bracket", "right_square_bracket"]
        for names in (["6", "right_square_bracket"], ["enter"], ["escape", "tab"], ["d"], trash, ["d"]):
            await press(pilot, *names)
            await sees(pilot, "[red]x[/]␛[2J␊‹202E›")
            assert len(screen_text(app).splitlines()) == 24


def test_every_tab_has_its_pane_and_every_key_its_action() -> None:
    assert tuple(PANES) == keys.BY_NOUN["system"].tabs
    for key in keys.of_room("system"):
        if key.tab:
            assert key.tab in PANES
        if key.action.startswith("pane("):
            what = key.action.removeprefix("pane('").removesuffix("')")
            assert hasattr(PANES[key.tab], f"act_{what}"), key
