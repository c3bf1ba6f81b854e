"""The toolbox beneath the editor of Serve, by keys: chosen, filtered, asked, streamed, stopped, copied, refused."""

import asyncio
import json
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from typing import Any

import msgspec
import pytest
from starlette.requests import Request
from starlette.responses import Response, StreamingResponse

from backend import wire
from refact_tui.frame import RefactApp
from tests.tui.golden import matches
from tests.tui.pilots import press, screen_text, sees, until
from tests.tui.stub_engine import StubEngine
from tests.tui.test_serve_room import ELSEWHERE, SIZES
from tests.tui.test_serve_room import STATE as SERVING

COMMANDS = [
    wire.ToolboxCommand(name="bugs", title="Find and mend bugs", fewest=1, most=50),
    wire.ToolboxCommand(name="edit", title="Change the code as told", fewest=0, most=200, words=True),
    wire.ToolboxCommand(name="explain", title="Explain the code", fewest=1, most=50),
    wire.ToolboxCommand(name="gen", title="Write new code here", fewest=0, most=0, words=True),
    wire.ToolboxCommand(name="mine", title="[red]Mine[/]\x1b[2J", fewest=1, most=9),
]
TALKER = wire.Model(
    name="qwen2.5-coder-instruct",
    family="qwen2.5",
    parameters=1_500_000_000,
    context=8192,
    loss_threshold=3.0,
    hosted=True,
    supports=["completion", "chat"],
)
STARTER = msgspec.structs.replace(TALKER, name="starter", supports=["completion"])
ADDED = msgspec.structs.replace(TALKER, hosted=False)
HOST = msgspec.structs.replace(SERVING.serving[1], model=TALKER.name, state="ready")
STATE = msgspec.structs.replace(SERVING, models=[STARTER, TALKER], serving=[SERVING.serving[0], HOST])
PIECES = ["It adds up the lines", " of an invoice.\n\n```python\n", "return sum(line.amount)\n", "```\x1b[2J"]
SAID = wire.Said(text="".join(PIECES), model=TALKER.name, tokens=31, total_ms=1840.0)


@dataclass
class Writer:
    """Sends the pieces that it is given as they are given, then the end; knows whether somebody listens."""

    pieces: asyncio.Queue[str | wire.Said | wire.ErrorBody] = field(default_factory=asyncio.Queue)
    left: bool = False

    def say(self, *pieces: str | wire.Said | wire.ErrorBody) -> None:
        for one in pieces:
            self.pieces.put_nowait(one)

    def __call__(self, request: Request, body: Any) -> Response:
        return StreamingResponse(self._lines(), media_type="text/event-stream")

    async def _lines(self) -> AsyncIterator[bytes]:
        try:
            while True:
                one = await self.pieces.get()
                kind = "piece" if isinstance(one, str) else "said" if isinstance(one, wire.Said) else "failed"
                data = {"text": one} if isinstance(one, str) else msgspec.to_builtins(one)
                yield f"event: {kind}\ndata: {json.dumps(data)}\n\n".encode()
                if kind != "piece":
                    return
        except asyncio.CancelledError:
            self.left = True
            raise


@pytest.fixture
def writer(engine: StubEngine) -> Writer:
    """A model that says what the test lets it say."""
    one = Writer()
    engine.state = STATE
    engine.answers = {"GET /toolbox": COMMANDS, "GET /elsewhere": ELSEWHERE, "POST /ask/stream": one}
    return one


@pytest.mark.parametrize("size", SIZES, ids=lambda size: f"{size[0]}x{size[1]}")
async def test_a_command_is_chosen_asked_and_copied(engine: StubEngine, writer: Writer, size: tuple[int, int]) -> None:
    where = f"{size[0]}x{size[1]}"
    app = RefactApp(engine.paths)
    async with app.run_test(size=size, notifications=False) as pilot:
        await sees(pilot, "● engine")
        await press(pilot, "5", "a")
        await sees(pilot, "Ask qwen2.5-coder-instruct about 2 lines", "Find and mend bugs", "[red]Mine[/]␛[2J")
        await pilot.pause()
        matches(app, f"serve-toolbox-{where}")
        await press(pilot, "slash", *"xpl")
        await until(pilot, lambda: "Find and mend" not in screen_text(app), "the filter")
        await press(pilot, "enter", "enter")
        await sees(pilot, "explain · qwen2.5-coder-instruct", "esc stops")
        writer.say(*PIECES[:2])
        await sees(pilot, "It adds up the lines of an invoice.")
        writer.say(*PIECES[2:], SAID)
        await sees(pilot, "31 tokens · 1.8 s", "```␛[2J")
        await pilot.pause()
        matches(app, f"serve-answer-{where}")
        await press(pilot, "y")
        assert app.clipboard == SAID.text
        await press(pilot, "escape")
        assert "explain · qwen" not in screen_text(app) and not writer.left
    code = 'def total(invoice):\n    """Sum of the lines of an invoice."""'
    asked = wire.Ask(command="explain", code=code, line=1, model=TALKER.name)
    assert engine.asked_for("POST /ask/stream") == [msgspec.to_builtins(asked)]


async def test_escape_stops_the_model(engine: StubEngine, writer: Writer) -> None:
    app = RefactApp(engine.paths)
    async with app.run_test(size=(80, 24), notifications=True) as pilot:
        await sees(pilot, "● engine")
        await press(pilot, "5", "a")
        await sees(pilot, "Find and mend bugs")
        await press(pilot, "enter")
        await sees(pilot, "esc stops")
        await press(pilot, "y")
        await sees(pilot, "There is no answer to copy yet")
        writer.say("Half an ans")
        await sees(pilot, "Half an ans")
        await press(pilot, "escape")
        await sees(pilot, "stopped")
        await until(pilot, lambda: writer.left, "the end of the work")
        assert "Half an ans" in screen_text(app)
        await press(pilot, "y", "escape")
        assert app.clipboard == "Half an ans"
        assert "Half an ans" not in screen_text(app)
        await press(pilot, "a")
        await sees(pilot, "Find and mend bugs")
        await press(pilot, "enter")
        writer.say("Half", wire.ErrorBody(code="failed", message="The worker died.", hint="Ask \x1bagain."))
        await sees(pilot, "Half", "✗", "The worker died. Ask ␛again.")


async def test_what_is_selected_is_asked_about_with_ones_own_words(engine: StubEngine, writer: Writer) -> None:
    app = RefactApp(engine.paths)
    async with app.run_test(size=(80, 24)) as pilot:
        await sees(pilot, "● engine")
        await press(pilot, "5", "enter", "shift+up", "shift+home", "f7")
        await sees(pilot, "about 1 line")
        await press(pilot, "j", "enter")
        await sees(pilot, "edit: Change the code as told")
        await press(pilot, "enter", *"in French", "enter")
        await sees(pilot, "edit · qwen2.5-coder-instruct")
        writer.say(SAID)
        await sees(pilot, "31 tokens")
        await press(pilot, "escape", "f7")
        await sees(pilot, "Write new code here")
        await press(pilot, "j", "j", "j", "enter")
        await sees(pilot, "gen: Write new code here")
        await press(pilot, "x", "enter")
        writer.say(SAID)
        await sees(pilot, "gen · qwen2.5-coder-instruct", "31 tokens")
        await press(pilot, "escape", "f7")
        await sees(pilot, "Find and mend bugs")
        await press(pilot, "j", "enter")
        await sees(pilot, "edit: Change")
        await press(pilot, "escape")
        await until(pilot, lambda: "edit: Change" not in screen_text(app), "the editor")
    edit, gen = engine.asked_for("POST /ask/stream")
    assert edit["code"] == '    """Sum of the lines of an invoice."""' and edit["line"] == 2
    assert edit["said"] == "in French" and (gen["code"], gen["said"]) == ("", "x")


async def test_a_model_elsewhere_is_asked_only_under_the_cursor(engine: StubEngine, writer: Writer) -> None:
    engine.state = msgspec.structs.replace(STATE, models=[STARTER, ADDED])
    app = RefactApp(engine.paths)
    async with app.run_test(size=(80, 24)) as pilot:
        await sees(pilot, "● engine")
        await press(pilot, "5")
        await sees(pilot, "openai/gpt-4o-mini")
        await press(pilot, "a")
        await sees(pilot, "starter has no chat template", "with n in Serve, qwen2.5-coder-instruct for")
        await sees(pilot, "Or choose a model of another server")
        await press(pilot, "escape", "G", "a")
        await sees(pilot, "Ask openai/gpt-4o-mini about 2 lines")
        await press(pilot, "enter")
        await sees(pilot, "bugs · openai/gpt-4o-mini · leaves this box")
    assert [one["model"] for one in engine.asked_for("POST /ask/stream")] == ["openai/gpt-4o-mini"]


@pytest.mark.parametrize("size", SIZES, ids=lambda size: f"{size[0]}x{size[1]}")
async def test_where_nothing_chats_it_is_said_what_to_host(engine: StubEngine, size: tuple[int, int]) -> None:
    engine.state = msgspec.structs.replace(STATE, models=[STARTER], serving=STATE.serving[:1])
    app = RefactApp(engine.paths)
    async with app.run_test(size=size, notifications=True) as pilot:
        await sees(pilot, "● engine")
        await press(pilot, "5", "a")
        await sees(pilot, "starter has no chat template", "refact-tui models add")
        await pilot.pause()
        matches(app, f"serve-no-chat-{size[0]}x{size[1]}")
        engine.state = STATE
        engine.publish("models", {"models": STATE.models})
        await press(pilot, "escape")
        await until(pilot, lambda: any(one.name == TALKER.name for one in app.state.models), "the other model")
        await press(pilot, "a")
        await sees(pilot, "no answer for GET /toolbox")
