"""The Serve room tab by tab at both sizes against golden screens; keys made once and revoked, requests that move."""

import socket
from typing import Any

import msgspec
import pytest
from starlette.requests import Request

from backend import wire
from backend.context import Context
from refact_tui import keys
from refact_tui.frame import RefactApp
from refact_tui.rooms.serve import PANES
from tests.tui.golden import matches
from tests.tui.pilots import press, screen_text, sees, until
from tests.tui.samples import BUSY
from tests.tui.stub_engine import EMPTY, ENGINE, StubEngine

SIZES = [(80, 24), (120, 36)]
HOST = wire.Serving(
    model="starter",
    mode="latest-best",
    checkpoint="billing-3:320",
    state="ready",
    requests=1204,
    requests_per_s=3.2,
    first_token_ms_p50=48.0,
    first_token_ms_p95=110.0,
    acceptance=0.31,
    dtype="fp32",
    memory_bytes=120_000_000,
    context=2048,
)
OTHER = msgspec.structs.replace(
    HOST, model="qwen2.5-coder-1.5b", checkpoint=None, state="loading", acceptance=None, first_token_ms_p50=None
)
KEYS = [
    wire.ApiKey(name="ann", hint="rt-Zq8Lk", created="2026-11-02T10:00:00.000Z", requests_per_minute=600, concurrent=4),
    wire.ApiKey(name="ci", hint="rt-0b_xY", created="2026-11-20T10:00:00.000Z"),
]
ENDED: list[tuple[int, str, wire.Outcome, int, wire.Fate | None]] = [
    (8, "ann", "done", 24, "taken"),
    (7, "ann", "cancelled", 3, None),
    (6, "", "done", 31, None),
    (5, "ci", "refused", 0, None),
    (4, "ann", "done", 12, "dismissed"),
    (3, "ci", "failed", 0, None),
]
ASKED = [
    wire.Asked(
        number=number,
        at=f"2026-11-24T09:05:{number:02}.120Z",
        key=key,
        model="starter",
        checkpoint="billing-3:320" if number > 3 else None,
        outcome=outcome,
        prompt_tokens=812,
        tokens=tokens,
        first_token_ms=41.4 if tokens else None,
        total_ms=163.9,
        fate=fate,
    )
    for number, key, outcome, tokens, fate in ENDED
]
USAGE = wire.Usage(
    model="starter",
    checkpoint="billing-3:320",
    requests=1204,
    failed=2,
    cancelled=310,
    prompt_tokens=900_000,
    cached_tokens=630_000,
    completion_tokens=31_220,
    shown=700,
    taken=217,
    first_token_ms_p50=48.0,
    first_token_ms_p95=110.0,
    total_ms_p50=160.0,
    total_ms_p95=420.0,
    acceptance=0.31,
)
BASE = msgspec.structs.replace(USAGE, checkpoint=None, requests=41, failed=0, cached_tokens=0, acceptance=None)
STATS = wire.Stats(
    days=1,
    since="2026-11-24",
    total=msgspec.structs.replace(USAGE, requests=1245),
    checkpoints=[USAGE, BASE],
    keys=[USAGE],
)
NOTHING = wire.Stats(days=1, since="2026-11-24", total=wire.Usage(), checkpoints=[], keys=[])
MADE = wire.MadeApiKey(name="bob", hint="rt-abcde", created="2026-11-24T10:00:00.000Z", key="rt-" + "abcde" * 8 + "xyz")


def completed(request: Request, body: Any) -> wire.Completion:
    """As a base model and one that was tuned do."""
    base = body["model"] == "starter:base"
    return wire.Completion(
        text="return 0\n" if base else "return sum(line.amount\n               for line in invoice.lines)\n",
        model="starter",
        checkpoint=None if base else "billing-3:320",
        tokens=4 if base else 15,
        first_token_ms=9.0,
        total_ms=31.0 if base else 64.0,
        finish_reason="stop",
    )


ELSEWHERE = [
    wire.ModelElsewhere(
        name="openai/gpt-4o-mini", server="https://api.openai.com/v1", chat=True, completion=True, credential="openai"
    )
]
ANSWERS: dict[str, Any] = {"POST /complete": completed, "GET /requests": ASKED, "GET /stats": STATS, "POST /keys": MADE}
STATE = msgspec.structs.replace(BUSY, serving=[HOST, OTHER], keys=KEYS)
OPEN = msgspec.structs.replace(STATE, engine=msgspec.structs.replace(ENGINE, public_url="https://10.0.0.7:8008"))
NEXT, BEFORE = "right_square_bracket", "left_square_bracket"
SCREENS: dict[str, tuple[wire.State, list[str], str]] = {
    "try": (STATE, [], "def total(invoice)"),
    "both": (STATE, ["c"], "return sum"),
    "connect": (STATE, [NEXT], "no key is needed"),
    "connect-tunnel": (STATE, [NEXT, "G"], "ssh -N -L"),
    "connect-open": (OPEN, [NEXT, *"jjjjjjjj"], "stands for an API key"),
    "keys": (STATE, [NEXT, NEXT], "Only this box is served"),
    "new-key": (STATE, [NEXT, NEXT, "n", "b", "o", "b", "tab", "x", "enter"], "whole number"),
    "made-key": (STATE, [NEXT, NEXT, "n", "b", "o", "b", "enter"], "never shown again"),
    "revoke-key": (STATE, [NEXT, NEXT, "j", "d"], "Revoke the key of ci"),
    "no-keys": (EMPTY, [NEXT, NEXT], "No API keys yet"),
    "requests": (STATE, [BEFORE], "✓ accepted"),
    "no-requests": (EMPTY, [BEFORE], "Nothing was asked for today"),
}


@pytest.fixture(autouse=True)
def same_box(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(socket, "gethostname", lambda: "gpu-box")


@pytest.mark.parametrize("size", SIZES, ids=lambda size: f"{size[0]}x{size[1]}")
@pytest.mark.parametrize("name", SCREENS)
async def test_each_tab(engine: StubEngine, name: str, size: tuple[int, int]) -> None:
    engine.state, wanted, words = SCREENS[name]
    engine.answers = {"GET /requests": [], "GET /stats": NOTHING} if engine.state is EMPTY else dict(ANSWERS)
    app = RefactApp(engine.paths)
    async with app.run_test(size=size) as pilot:
        await sees(pilot, "● engine")
        await press(pilot, "5")
        await sees(pilot, "Try it")
        for one in wanted:
            await press(pilot, one)
            if one == "n":
                await sees(pilot, "New API key")
        await sees(pilot, words)
        await pilot.pause()
        matches(app, f"serve-{name}-{size[0]}x{size[1]}")


async def test_a_key_is_made_and_revoked(real: Context) -> None:
    """Against the real engine: what is shown once is the key that is let in."""
    app = RefactApp(real.paths)
    async with app.run_test(size=(80, 24), notifications=True) as pilot:
        await sees(pilot, "● engine")
        await press(pilot, "5", NEXT, NEXT)
        await sees(pilot, "No API keys yet")
        await press(pilot, "d")
        await sees(pilot, "There is no key to revoke")
        await press(pilot, "n")
        await sees(pilot, "New API key")
        await press(pilot, "enter")
        await sees(pilot, "Give it a name")
        await press(pilot, *"ann", "tab", *"60", "enter")
        await sees(pilot, "The API key of ann", "never shown again")
        await press(pilot, "y")
        secret = app.clipboard
        assert secret.startswith("rt-") and secret in screen_text(app)
        found = real.hosts.keys.find(secret)
        assert (found.name, found.requests_per_minute, found.concurrent) == ("ann", 60, None)
        await press(pilot, "escape")
        await sees(pilot, "▌ann", f"{secret[:8]}…")
        assert secret not in screen_text(app)
        await press(pilot, "n")
        await sees(pilot, "New API key")
        await press(pilot, *"ann", "enter")
        await sees(pilot, "There is a key called ann already")
        await press(pilot, "escape", "d")
        await sees(pilot, "Revoke the key of ann")
        await press(pilot, "enter")
        assert real.hosts.keys.find(secret) is not None
        await press(pilot, "d", "y")
        await sees(pilot, "Revoked ann.", "No API keys yet")
        assert real.hosts.keys.find(secret) is None


async def test_requests_come_while_one_looks(real: Context) -> None:
    fields = {"key": "ann", "model": "starter", "checkpoint": None, "prompt_tokens": 9, "tokens": 5}
    recent = real.hosts.statistics.recent
    app = RefactApp(real.paths)
    async with app.run_test(size=(120, 36)) as pilot:
        await sees(pilot, "● engine")
        recent.add(**fields, outcome="done", first_token_ms=11.0, total_ms=101.0)
        await press(pilot, "5", BEFORE)
        await sees(pilot, "101 ms", "Nothing was asked for today")
        recent.add(**fields, outcome="failed", first_token_ms=None, total_ms=202.0)
        real.hosts.statistics.count("starter", None, "ann", requests=2, failed=1)
        await sees(pilot, "202 ms", "✗ failed", "CHECKPOINT  REQUESTS")
        recent.became(1, "taken")
        await sees(pilot, "✓ accepted")
        recent.close()


async def test_two_are_compared_on_what_stands_in_the_editor(engine: StubEngine) -> None:
    engine.state, engine.answers = STATE, dict(ANSWERS)
    app = RefactApp(engine.paths)
    async with app.run_test(size=(80, 24), notifications=True) as pilot:
        await sees(pilot, "● engine")
        await press(pilot, "5", "enter", "#", "f6")
        await sees(pilot, "base · 4 tokens", "billing-3:320 · 15 tokens")
        asked = engine.asked_for("POST /complete")
        assert sorted(one["model"] for one in asked) == ["starter", "starter:base"]
        assert all(one["prefix"].endswith("    #") for one in asked)
        await press(pilot, "ctrl+@")
        await sees(pilot, "tab accepts")
        assert "base · 4 tokens" not in screen_text(app)
        await press(pilot, "escape", "escape", "j", "c")
        await sees(pilot, "Only the base model is served")


@pytest.mark.parametrize("size", SIZES, ids=lambda size: f"{size[0]}x{size[1]}")
async def test_what_leaves_the_box_says_so_and_is_not_tried(engine: StubEngine, size: tuple[int, int]) -> None:
    engine.state, engine.answers = STATE, {**ANSWERS, "GET /elsewhere": ELSEWHERE}
    app = RefactApp(engine.paths)
    async with app.run_test(size=size, notifications=True) as pilot:
        await sees(pilot, "● engine")
        await press(pilot, "5")
        await sees(pilot, "openai/gpt-4o-mini", "leaves box")
        await pilot.pause()
        matches(app, f"serve-elsewhere-{size[0]}x{size[1]}")
        await press(pilot, "G", "c")
        await sees(pilot, "stays on this box")
        await press(pilot, "enter", "ctrl+@")
        assert not engine.asked_for("POST /complete")


async def test_keys_say_where_they_work_and_settings_are_copied(engine: StubEngine) -> None:
    engine.state, engine.answers = OPEN, dict(ANSWERS)
    app = RefactApp(engine.paths)
    async with app.run_test(size=(80, 24), notifications=True) as pilot:
        await sees(pilot, "● engine")
        await press(pilot, "5", "y")
        await sees(pilot, "y copy is for Connect an IDE, and this is Try it")
        await press(pilot, NEXT, "y")
        assert app.clipboard == '"refactai.addressURL": "https://10.0.0.7:8008", "refactai.apiKey": "YOUR-KEY"'
        await press(pilot, NEXT, "enter")
        await sees(pilot, "The key of ann is not kept here")


async def test_hostile_names_stay_on_their_line(engine: StubEngine) -> None:
    name = "[red]x[/]\x1b[2J\n\u202e漢"
    asked = [msgspec.structs.replace(one, key=name, model=name, checkpoint=name, at=name) for one in ASKED]
    stats = msgspec.structs.replace(STATS, checkpoints=[msgspec.structs.replace(USAGE, model=name)])
    engine.state = msgspec.structs.replace(
        EMPTY,
        keys=[wire.ApiKey(name=name, hint=name, created=name)],
        serving=[msgspec.structs.replace(HOST, model=name)],
    )
    engine.answers = {"GET /requests": asked, "GET /stats": stats}
    app = RefactApp(engine.paths)
    async with app.run_test(size=(120, 36)) as pilot:
        await sees(pilot, "● engine")
        for names in (["5"], [NEXT, NEXT], ["d"], ["escape", NEXT]):
            await press(pilot, *names)
            await sees(pilot, "[red]x[/]␛[2J␊‹202E›")
            assert len(screen_text(app).splitlines()) == 36


async def test_what_cannot_be_asked_is_said(engine: StubEngine) -> None:
    engine.state = STATE
    app = RefactApp(engine.paths)
    async with app.run_test(size=(80, 24), notifications=True) as pilot:
        await sees(pilot, "● engine")
        await press(pilot, "5", BEFORE)
        await sees(pilot, "no answer for GET /requests")
        engine.answers = dict(ANSWERS)
        engine.publish("requests", {"changes": 9})
        await until(pilot, lambda: "✓ accepted" in screen_text(app), "the next look")


def test_every_tab_has_its_pane_and_every_key_its_action() -> None:
    assert tuple(PANES) == keys.BY_NOUN["serve"].tabs
    for key in keys.of_room("serve"):
        if key.action.startswith("pane("):
            what = key.action.removeprefix("pane('").removesuffix("')")
            assert hasattr(PANES[key.tab], f"act_{what}"), key
